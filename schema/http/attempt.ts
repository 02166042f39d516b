/** What a client reads of the attempts at a workload, and of its checkpoints. */
import { z } from "zod";
import { workerIdSchema, workloadIdSchema } from "../ids.ts";
import { attemptsPageDefault, attemptsPageMax } from "../limits.ts";
import { timeSchema } from "./submit.ts";
import { integerText } from "./workload.ts";

/** How an attempt stands, or how it ended. */
export const attemptOutcomes = [
  "scheduled",
  "running",
  "completed",
  "failed",
  "retried",
  "timed_out",
  "lost",
  "handed_back",
  "paused",
  "moved",
  "cancelled",
  "unanswered",
  "refused",
] as const;
export type AttemptOutcome = (typeof attemptOutcomes)[number];

export const attemptSchema = z.object({
  /** The number of the attempt, and its fencing token. */
  generation: z.int().min(1),
  worker_id: workerIdSchema,
  scheduled_at: timeSchema,
  started_at: timeSchema.nullable(),
  ended_at: timeSchema.nullable(),
  outcome: z.enum(attemptOutcomes),
  error: z.object({ type: z.string(), message: z.string() }).nullable(),
  /** The sequence of the checkpoint that it began from; null: from the beginning. */
  from_checkpoint: z.int().min(1).nullable(),
});
export type AttemptView = z.infer<typeof attemptSchema>;
export const attemptListSchema = z.object({
  workload_id: workloadIdSchema,
  attempts: z.array(attemptSchema),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
});

export const attemptQuerySchema = z.strictObject({
  limit: integerText(1, attemptsPageMax).default(attemptsPageDefault),
  cursor: z.string().max(512).optional(),
});
export type AttemptQuery = z.infer<typeof attemptQuerySchema>;

export const checkpointSchema = z.object({
  sequence: z.int().min(1),
  /** Compressed. */
  size_bytes: z.int().min(0),
  /** The attempt that saved it. */
  generation: z.int().min(0),
  created_at: timeSchema,
});
export type CheckpointView = z.infer<typeof checkpointSchema>;
export const checkpointListSchema = z.object({
  workload_id: workloadIdSchema,
  checkpoints: z.array(checkpointSchema),
});
