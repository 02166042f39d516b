/** What a client reads of why a workload is in its state: the one rule that holds now, and the forecast of its start. */
import { z } from "zod";
import { workloadIdSchema } from "../ids.ts";
import { jsonSchema } from "../json.ts";
import { workloadStatuses } from "../status.ts";
import { timeSchema } from "./submit.ts";

/** Of the rules that keep a workload waiting, the most lasting one comes first. */
export const explainRules = [
  "CUSTOMER_SUSPENDED",
  "NOT_DUE",
  "RETRY_BACKOFF",
  "POOL_EMPTY",
  "NO_CAPABLE_WORKER",
  "HARD_AFFINITY",
  "CUSTOMER_CAP",
  "ANTI_AFFINITY",
  "RESOURCES",
  "NO_FREE_SLOT",
  "BEHIND_OTHERS",
  "BEING_PLACED",
  "ASSIGNED",
  "RUNNING",
  "PAUSING",
  "MOVING",
  "PAUSED",
  "COMPLETED",
  "FAILED",
  "CANCELLED",
] as const;
export type ExplainRule = (typeof explainRules)[number];

/** Why there is no forecast. */
export const forecastReasons = ["not_waiting", "waits_for_a_change", "nothing_measured"] as const;
export type ForecastReason = (typeof forecastReasons)[number];

export const explanationSchema = z.object({
  workload_id: workloadIdSchema,
  status: z.enum(workloadStatuses),
  rule: z.enum(explainRules),
  message: z.string(),
  /** What the message says, in fields; which ones depends on the rule. */
  details: jsonSchema,
  /** Its place among the workloads of its customer that are due; null when it is not among them. */
  queue: z.object({ position: z.int().min(1), ahead: z.int().min(0), depth: z.int().min(0) }).nullable(),
  estimated_start_time: timeSchema.nullable(),
  /** The rate that the estimate was made from; null without an estimate, and where no slot has to come free first. */
  forecast: z.object({ slots_freed_per_second: z.number().positive(), measured_over_seconds: z.number() }).nullable(),
  /** Null when there is an estimate. */
  forecast_reason: z.enum(forecastReasons).nullable(),
});
export type ExplanationView = z.infer<typeof explanationSchema>;
