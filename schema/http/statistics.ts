/** What became of a customer's workloads, by the time of their submission or by their type. */
import { z } from "zod";
import { timeSchema } from "./submit.ts";

export const statisticsUnits = ["day", "hour", "type"] as const;
export type StatisticsUnit = (typeof statisticsUnits)[number];

/** A date is the beginning of its day, UTC. */
const dateOrTime = z.union([z.iso.date(), timeSchema]);

export const statisticsQuerySchema = z.strictObject({
  from: dateOrTime.optional(),
  to: dateOrTime.optional(),
  by: z.enum(statisticsUnits).default("day"),
});
export type StatisticsQuery = z.infer<typeof statisticsQuerySchema>;

const count = z.int().min(0);
const seconds = z.number().min(0).nullable();

export const countsSchema = z.object({
  submitted: count,
  completed: count,
  failed: count,
  cancelled: count,
  /** Neither completed, failed nor cancelled by now. */
  still_open: count,
  retries: count,
  /** Of what is completed, from its submission to its end; null: nothing is. */
  average_duration_seconds: seconds,
  p95_duration_seconds: seconds,
  /** Of what started at once and stayed, from when it was due to its start; null: nothing did. */
  average_wait_seconds: seconds,
  p95_wait_seconds: seconds,
});
export type Counts = z.infer<typeof countsSchema>;

export const bucketSchema = countsSchema.extend({
  /** The beginning of the day or hour; null: this is about a type. */
  start: timeSchema.nullable(),
  /** Null: this is about a day or an hour. */
  workload_type: z.string().nullable(),
});
export type Bucket = z.infer<typeof bucketSchema>;

export const statisticsSchema = z.object({
  from: timeSchema,
  to: timeSchema,
  by: z.enum(statisticsUnits),
  buckets: z.array(bucketSchema),
});
