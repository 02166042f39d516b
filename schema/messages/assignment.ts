/** One attempt handed to a worker: what to run, from which checkpoint, under which generation. */
import { z } from "zod";
import { workloadTypeSchema } from "../affinity.ts";
import { customerIdSchema, workloadIdSchema } from "../ids.ts";
import { jsonSchema } from "../json.ts";
import { sequenceMax } from "../limits.ts";

export const checkpointRefSchema = z.object({
  sequence: z.int().min(1).max(sequenceMax),
  bytes: z.int().min(0),
  sha256: z.string(),
  chunks: z.int().min(1),
});
export type CheckpointRef = z.infer<typeof checkpointRefSchema>;

export const assignmentSchema = z.object({
  customer_id: customerIdSchema,
  workload_id: workloadIdSchema,
  /** The fencing token of this attempt, and its number. */
  generation: z.int().min(1).max(sequenceMax),
  workload_type: workloadTypeSchema,
  input: jsonSchema,
  config: jsonSchema,
  timeout_seconds: z.int().nullable(),
  checkpoint: checkpointRefSchema.nullable(),
  checkpoint_interval_sec: z.int().min(0),
  checkpoint_progress_percent: z.int().min(0),
  traceparent: z.string().optional(),
});
export type Assignment = z.infer<typeof assignmentSchema>;

export const assignmentAnswerSchema = z.object({
  workload_id: workloadIdSchema,
  generation: z.int(),
  accepted: z.boolean(),
  reason: z.enum(["no_slot", "unknown_type", "draining", "stale_generation"]).optional(),
});
export type AssignmentAnswer = z.infer<typeof assignmentAnswerSchema>;
