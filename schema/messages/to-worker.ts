/** Every message that the coordinator sends to workers, and what they answer. */
import { z } from "zod";
import { workloadIdSchema } from "../ids.ts";
import { assignmentAnswerSchema, assignmentSchema } from "./assignment.ts";
import { errorReplySchema } from "./envelope.ts";

const message = <T extends string, P extends z.ZodType>(type: T, payload: P) =>
  z.object({ type: z.literal(type), payload });

export const stopItemSchema = z.object({
  workload_id: workloadIdSchema,
  /** The attempt to stop: an attempt of a later generation is left alone. */
  generation: z.int().min(1),
  why: z.enum(["cancelled", "fenced", "paused", "timeout"]),
});
export type StopItem = z.infer<typeof stopItemSchema>;

export const toWorkerSchema = z.discriminatedUnion("type", [
  message("assign", z.object({ assignments: z.array(assignmentSchema).min(1) })),
  message("stop", z.object({ items: z.array(stopItemSchema).min(1) })),
  message("drain", z.object({})),
  message("roll_call", z.object({})),
]);
export type ToWorker = z.infer<typeof toWorkerSchema>;

export const workerReplySchema = z.discriminatedUnion("type", [
  message("assign.answer", z.object({ answers: z.array(assignmentAnswerSchema) })),
  message("ok", z.object({})),
  errorReplySchema,
]);
export type WorkerReply = z.infer<typeof workerReplySchema>;
