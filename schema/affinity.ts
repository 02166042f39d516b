/** Where a workload may, should and must not run (SPEC §5). */
import { z } from "zod";
import { workerIdSchema } from "./ids.ts";
import { storableText } from "./json.ts";
import { nameLengthMax, tagsMax } from "./limits.ts";

export const workloadTypeSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,127}$/, "a workload type is lower-case letters, digits, dot, dash, underscore");
export const poolSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "a pool is lower-case letters, digits, dash");
export type Pool = string;

const tagText = storableText(nameLengthMax).min(1);
export const tagsSchema = z
  .record(tagText, tagText)
  .refine((tags) => Object.keys(tags).length <= tagsMax, `at most ${tagsMax} tags`)
  .meta({ maxProperties: tagsMax });
export type Tags = Readonly<Record<string, string>>;

const attraction = z.strictObject({ worker_id: workerIdSchema.optional(), worker_tags: tagsSchema.optional() });
const repulsion = z.strictObject({
  workload_types: z.array(workloadTypeSchema).max(tagsMax).optional(),
  worker_tags: tagsSchema.optional(),
});

export const affinitySchema = z
  .strictObject({
    hard_affinity: attraction.optional(),
    soft_affinity: attraction.optional(),
    anti_affinity: repulsion.optional(),
  })
  .meta({ id: "Affinity", description: "On which workers it must, should and must not run" });
export type Affinity = z.infer<typeof affinitySchema>;
