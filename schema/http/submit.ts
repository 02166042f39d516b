/** Bodies and replies of submitting workloads: one, or up to a thousand at once. */
import { z } from "zod";
import { affinitySchema, poolSchema, workloadTypeSchema } from "../affinity.ts";
import { workloadIdSchema } from "../ids.ts";
import { jsonBytes, jsonSchema } from "../json.ts";
import {
  batchItemsMax,
  inputBytesMax,
  labelLengthMax,
  labelsMax,
  nameLengthMax,
  priorityDefault,
  priorityMax,
  timeoutSecondsMax,
} from "../limits.ts";
import { workloadStatuses } from "../status.ts";

export const timeSchema = z.iso.datetime({ offset: true });

/** A filter names a label as `name:value`: a name with a colon could never be asked for. */
export const labelsSchema = z
  .record(z.string().min(1).max(nameLengthMax), z.string().max(labelLengthMax))
  .refine((labels) => Object.keys(labels).length <= labelsMax, `at most ${labelsMax} labels`)
  .refine((labels) => !Object.keys(labels).some((name) => name.includes(":")), "the name of a label holds no colon")
  .meta({ maxProperties: labelsMax, description: "Free text to find it by; a name holds no colon" });

export const submitBodySchema = z
  .strictObject({
    workload_type: workloadTypeSchema,
    input_params: jsonSchema.optional().default({}),
    priority: z.int().min(0).max(priorityMax).default(priorityDefault),
    affinity_rules: affinitySchema.optional(),
    timeout_seconds: z.int().min(1).max(timeoutSecondsMax).optional(),
    run_at: timeSchema.optional(),
    pool: poolSchema.default("default"),
    labels: labelsSchema.default({}),
  })
  .meta({ id: "Submission" });
export type SubmitBody = z.infer<typeof submitBodySchema>;

export const batchBodySchema = z.strictObject({ workloads: z.array(submitBodySchema).min(1).max(batchItemsMax) });

/** True where one input alone is larger than an assignment may carry: 413, not 400. */
export const inputTooLarge = (body: SubmitBody): boolean => jsonBytes(body.input_params) > inputBytesMax;

export const submittedSchema = z
  .object({
    workload_id: workloadIdSchema,
    status: z.enum(workloadStatuses),
    created_at: timeSchema,
    estimated_start_time: timeSchema.nullable(),
  })
  .meta({ id: "Submitted" });
export const batchSubmittedSchema = z.object({ workloads: z.array(submittedSchema) });
