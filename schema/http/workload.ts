/** What a client reads of workloads: one, a list of them, their audit trail and logs; and what it may ask. */
import { z } from "zod";
import { affinitySchema, workloadTypeSchema } from "../affinity.ts";
import { customerIdSchema, workerIdSchema, workloadIdSchema } from "../ids.ts";
import { jsonSchema } from "../json.ts";
import {
  auditEventsPageDefault,
  auditEventsPageMax,
  labelFilterLengthMax,
  labelFiltersMax,
  listItemsDefault,
  listItemsMax,
  logLinesPageDefault,
  logLinesPageMax,
  offsetMax,
  reasonLengthMax,
} from "../limits.ts";
import { actorTypes, logLevels, workloadStatuses } from "../status.ts";
import { labelsSchema, timeSchema } from "./submit.ts";

const time = timeSchema.nullable();

export const workloadViewSchema = z
  .object({
    workload_id: workloadIdSchema,
    customer_id: customerIdSchema,
    workload_type: workloadTypeSchema,
    status: z.enum(workloadStatuses),
    priority: z.int(),
    progress_percent: z.number(),
    progress_message: z.string().nullable(),
    worker_id: workerIdSchema.nullable(),
    pool: z.string(),
    labels: labelsSchema,
    input_params: jsonSchema.nullable(),
    result_data: jsonSchema.nullable(),
    error: z.object({ type: z.string(), message: z.string() }).nullable(),
    retry_count: z.int(),
    death_count: z.int(),
    generation: z.int(),
    checkpoint_sequence: z.int(),
    affinity_rules: affinitySchema.nullable(),
    timeout_seconds: z.int().nullable(),
    /** The workload that this one is a retry of, by hand. */
    retry_of: workloadIdSchema.nullable(),
    /** What becomes of it as soon as its worker lets go: it was asked for while the workload ran. */
    pending_action: z.enum(["pause", "move"]).nullable(),
    created_at: timeSchema,
    run_at: time,
    scheduled_at: time,
    started_at: time,
    completed_at: time,
    updated_at: timeSchema,
    estimated_completion_time: time,
  })
  .meta({ id: "Workload" });
export type WorkloadView = z.infer<typeof workloadViewSchema>;

export const cancelBodySchema = z.strictObject({ reason: z.string().max(reasonLengthMax).optional() });

export const integerText = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "not a whole number")
    .transform(Number)
    .pipe(z.int().min(min).max(max));

/** Any of them. */
export const statusFilterSchema = z.array(z.enum(workloadStatuses)).min(1).max(workloadStatuses.length);

/** `name:value`, or `name` alone; all of them must hold. */
export const labelFilterSchema = z.array(z.string().min(1).max(labelFilterLengthMax)).max(labelFiltersMax);

/** Query of GET /v1/workloads. `label` is `name:value` or `name`; repeated labels must all hold. */
export const listQuerySchema = z.strictObject({
  status: statusFilterSchema.optional(),
  workload_type: workloadTypeSchema.optional(),
  label: labelFilterSchema.optional(),
  created_after: timeSchema.optional(),
  created_before: timeSchema.optional(),
  limit: integerText(1, listItemsMax).default(listItemsDefault),
  cursor: z.string().max(512).optional(),
  offset: integerText(0, offsetMax).optional(),
  order_by: z.enum(["created_at", "priority"]).default("created_at"),
  count: z.enum(["true", "false"]).optional(),
});
export type ListQuery = z.infer<typeof listQuerySchema>;

export const workloadListSchema = z.object({
  workloads: z.array(workloadViewSchema),
  pagination: z.object({
    limit: z.int(),
    has_more: z.boolean(),
    next_cursor: z.string().nullable(),
    offset: z.int().nullable(),
    total: z.int().optional(),
  }),
});

export const auditEventSchema = z.object({
  event_id: z.string(),
  event_type: z.string(),
  timestamp: timeSchema,
  actor_type: z.enum(actorTypes),
  actor_id: z.string(),
  generation: z.int(),
  details: jsonSchema,
});
export const auditTrailSchema = z.object({
  workload_id: workloadIdSchema,
  events: z.array(auditEventSchema),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
});

export const auditQuerySchema = z.strictObject({
  limit: integerText(1, auditEventsPageMax).default(auditEventsPageDefault),
  cursor: z.string().max(512).optional(),
});
export type AuditQuery = z.infer<typeof auditQuerySchema>;

export const logQuerySchema = z.strictObject({
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  level: z.enum(logLevels).optional(),
  limit: integerText(1, logLinesPageMax).default(logLinesPageDefault),
  cursor: z.string().max(512).optional(),
});
export type LogQuery = z.infer<typeof logQuerySchema>;

export const logLineViewSchema = z.object({
  timestamp: timeSchema,
  level: z.enum(logLevels),
  message: z.string(),
  generation: z.int(),
  details: jsonSchema.nullable(),
});
export const logPageSchema = z.object({
  workload_id: workloadIdSchema,
  logs: z.array(logLineViewSchema),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
});
