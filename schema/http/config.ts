/** Workload types as a customer writes and reads them. */
import { z } from "zod";
import { workloadTypeSchema } from "../affinity.ts";
import { configIdSchema } from "../ids.ts";
import { jsonBytes, jsonSchema } from "../json.ts";
import {
  checkpointIntervalSecondsDefault,
  checkpointIntervalSecondsMax,
  checkpointProgressPercentDefault,
  configBytesMax,
  descriptionLengthMax,
  resourceAmountMax,
  retriesMax,
  retriesMaxDefault,
  retryBaseMsDefault,
  retryCapMsDefault,
  retryMsMax,
  timeoutSecondsMax,
} from "../limits.ts";
import { pageQuerySchema, paginationSchema } from "./page.ts";
import { timeSchema } from "./submit.ts";

const amount = z.number().min(0).max(resourceAmountMax).optional();
const resourceLimits = z.strictObject({ cpu_cores: amount, memory_mb: amount, disk_mb: amount });

const retryMs = z.int().min(0).max(retryMsMax);
const backoff = z
  .strictObject({ base_ms: retryMs, cap_ms: retryMs })
  .refine(({ base_ms, cap_ms }) => base_ms <= cap_ms, "base_ms is at most cap_ms");

export const configBodySchema = z.strictObject({
  workload_type: workloadTypeSchema,
  description: z.string().max(descriptionLengthMax).default(""),
  config_json: jsonSchema.optional().default({}),
  resource_limits: resourceLimits.default({}),
  /** 0: never by time. */
  checkpoint_interval_sec: z.int().min(0).max(checkpointIntervalSecondsMax).default(checkpointIntervalSecondsDefault),
  /** 0: never by progress. */
  checkpoint_progress_percent: z.int().min(0).max(100).default(checkpointProgressPercentDefault),
  max_retries: z.int().min(0).max(retriesMax).default(retriesMaxDefault),
  retry_backoff: backoff.default({ base_ms: retryBaseMsDefault, cap_ms: retryCapMsDefault }),
  timeout_seconds: z.int().min(1).max(timeoutSecondsMax).nullable().default(null),
});
export type ConfigBody = z.infer<typeof configBodySchema>;

/** True where the configuration is larger than every assignment may carry: 413, not 400. */
export const configTooLarge = (body: ConfigBody): boolean => jsonBytes(body.config_json) > configBytesMax;

export const configViewSchema = z.object({
  config_id: configIdSchema,
  workload_type: workloadTypeSchema,
  description: z.string(),
  config_json: jsonSchema,
  resource_limits: resourceLimits,
  checkpoint_interval_sec: z.int(),
  checkpoint_progress_percent: z.int(),
  max_retries: z.int(),
  retry_backoff: z.object({ base_ms: z.int(), cap_ms: z.int() }),
  timeout_seconds: z.int().nullable(),
  created_at: timeSchema,
  updated_at: timeSchema,
});
export type ConfigView = z.infer<typeof configViewSchema>;

export const configQuerySchema = pageQuerySchema;
export const configListSchema = z.object({
  workload_configs: z.array(configViewSchema),
  pagination: paginationSchema,
});
