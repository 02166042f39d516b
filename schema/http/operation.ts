/** Bodies and replies of what is done to workloads that are there: one by its id, or many by ids or by a filter. */
import { z } from "zod";
import { affinitySchema, poolSchema, workloadTypeSchema } from "../affinity.ts";
import { workloadIdSchema } from "../ids.ts";
import { jsonSchema } from "../json.ts";
import { batchItemsMax, labelFilterLengthMax, nameLengthMax, reasonLengthMax } from "../limits.ts";
import { errorCodes, workloadStatuses } from "../status.ts";
import { submittedSchema, timeSchema } from "./submit.ts";
import { labelFilterSchema, statusFilterSchema } from "./workload.ts";

const reason = z.string().max(reasonLengthMax).optional();
const fromCheckpoint = z.boolean().default(false);

export const pauseBodySchema = z.strictObject({ reason });
export const resumeBodySchema = z.strictObject({});
export const retryBodySchema = z.strictObject({ from_checkpoint: fromCheckpoint });
export const moveBodySchema = z
  .strictObject({ pool: poolSchema.optional(), affinity_rules: affinitySchema.nullable().optional() })
  .refine((body) => body.pool !== undefined || body.affinity_rules !== undefined, "a pool or affinity_rules is needed");

/** One, or a list of them: as a query names it once or more often. */
const listed = <T extends z.ZodType, L extends z.ZodType>(one: T, list: L) =>
  z.union([list, one.transform((value) => [value])]);

export const workloadFilterSchema = z
  .strictObject({
    status: listed(z.enum(workloadStatuses), statusFilterSchema).optional(),
    workload_type: workloadTypeSchema.optional(),
    label: listed(z.string().min(1).max(labelFilterLengthMax), labelFilterSchema).optional(),
    created_after: timeSchema.optional(),
    created_before: timeSchema.optional(),
  })
  .refine((filter) => Object.values(filter).some((part) => part !== undefined), "a filter names what it looks for");
export type WorkloadFilterBody = z.infer<typeof workloadFilterSchema>;

const targets = {
  /** What is no id names no workload: each is answered for itself. */
  ids: z.array(z.string().min(1).max(nameLengthMax)).min(1).max(batchItemsMax).optional(),
  filter: workloadFilterSchema.optional(),
};
const oneOf = ({ ids, filter }: { ids?: unknown; filter?: unknown }) => (ids === undefined) !== (filter === undefined);
const oneOfMessage = "either ids or a filter";

export const batchCancelSchema = z.strictObject({ ...targets, reason }).refine(oneOf, oneOfMessage);
export const batchPauseSchema = z.strictObject({ ...targets, reason }).refine(oneOf, oneOfMessage);
export const batchResumeSchema = z.strictObject(targets).refine(oneOf, oneOfMessage);
export const batchRetrySchema = z
  .strictObject({ ...targets, from_checkpoint: fromCheckpoint })
  .refine(oneOf, oneOfMessage);

/** The new workload of a retry. */
export const retriedSchema = submittedSchema.extend({ retry_of: workloadIdSchema });

export const operationSchema = z.object({
  /** As it was given. */
  workload_id: z.string(),
  /** done: changed. pending: a worker lets go of it first. unchanged: it was so already. refused: see `error`. */
  outcome: z.enum(["done", "pending", "unchanged", "refused"]),
  status: z.enum(workloadStatuses).nullable(),
  /** The new workload of a retry. */
  retry_id: workloadIdSchema.nullable(),
  error: z.object({ code: z.enum(errorCodes), message: z.string(), details: jsonSchema.nullable() }).nullable(),
});
export const operatedSchema = z.object({
  /** How many were changed, or will be as soon as a worker lets go. */
  count: z.int(),
  operations: z.array(operationSchema),
  /** More match the filter: ask again. */
  has_more: z.boolean(),
});
