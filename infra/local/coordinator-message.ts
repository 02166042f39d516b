/** What the supervisor and the process that hosts the Workers runtime say to each other. */
import { z } from "zod";

export const hostConfigSchema = z.object({
  project: z.string(),
  apiPort: z.int(),
  durableObjects: z.string(),
  bindings: z.record(z.string(), z.string()),
  /** Build again and reload when a source changes. */
  watch: z.boolean(),
});
export type HostConfig = z.infer<typeof hostConfigSchema>;

/** `workerd`: the pid of the runtime that serves now, said at the start and after each reload. */
export const servingSchema = z.object({ workerd: z.int().positive() });
export const noteSchema = z.object({ note: z.string() });
/** The stack is complete: cron triggers may fire from now on. */
export const startCronSchema = z.object({ startCron: z.literal(true) });
