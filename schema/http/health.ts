/** Replies of the operators' routes. */
import { z } from "zod";

export const healthSchema = z.object({ status: z.literal("ok"), version: z.string() });

export const indexSchema = z.object({
  name: z.literal("niyanta"),
  version: z.string(),
  links: z.record(z.string(), z.string()),
});

const dependency = z.enum(["ok", "unavailable"]);
export const readySchema = z.object({
  status: z.enum(["ready", "unavailable"]),
  dependencies: z.object({ database: dependency, broker: dependency, leader: dependency }),
});
export type Ready = z.infer<typeof readySchema>;
