/** What a worker says happened to a workload; kept by the worker until the coordinator answers that it is committed. */
import { z } from "zod";
import { customerIdSchema, workerIdSchema, workloadIdSchema } from "../ids.ts";
import { jsonSchema, storableText } from "../json.ts";
import {
  checkpointBytesMax,
  checkpointChunkBytes,
  checkpointChunksMax,
  errorMessageLengthMax,
  logLineBytesMax,
  logLinesPerMessageMax,
  messageEventsMax,
  nameLengthMax,
  progressMessageLengthMax,
  sequenceMax,
} from "../limits.ts";
import { logLevels } from "../status.ts";

/** In base64. */
export const chunkDataSchema = z.base64().max(Math.ceil(checkpointChunkBytes / 3) * 4);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

export const attemptErrorSchema = z.object({
  /** Class of the error: `permanent` is never retried. */
  kind: z.enum(["permanent", "transient", "timeout"]),
  type: storableText(nameLengthMax),
  message: storableText(errorMessageLengthMax),
  retry_after_ms: z.int().min(0).optional(),
});
export type AttemptError = z.infer<typeof attemptErrorSchema>;

export const logLineSchema = z.object({
  /** Rises within one attempt: a line sent twice is stored once. */
  line: z.int().min(1).max(sequenceMax),
  timestamp: z.iso.datetime(),
  level: z.enum(logLevels),
  message: storableText(logLineBytesMax),
  details: jsonSchema.optional(),
});
export type LogLine = z.infer<typeof logLineSchema>;

export const checkpointNoticeSchema = z.object({
  sequence: z.int().min(1).max(sequenceMax),
  /** Size and hash of the compressed bytes. */
  bytes: z.int().min(0).max(checkpointBytesMax),
  sha256,
  chunks: z.int().min(1).max(checkpointChunksMax),
  /** The bytes in base64 when they are one chunk; more chunks were sent ahead by `worker.checkpoint_chunk`. */
  data: chunkDataSchema.optional(),
});
export type CheckpointNotice = z.infer<typeof checkpointNoticeSchema>;

const event = <K extends string, S extends z.ZodRawShape>(kind: K, shape: S) =>
  z.object({
    kind: z.literal(kind),
    /** Rises within one worker process; the outcome names it. */
    event_id: z.int().min(1),
    workload_id: workloadIdSchema,
    generation: z.int().min(1).max(sequenceMax),
    ...shape,
  });

export const workerEventSchema = z.discriminatedUnion("kind", [
  event("started", {}),
  event("progress", {
    percent: z.number().min(0).max(100),
    message: storableText(progressMessageLengthMax).nullable(),
  }),
  event("logs", { lines: z.array(logLineSchema).min(1).max(logLinesPerMessageMax) }),
  event("checkpoint", { checkpoint: checkpointNoticeSchema }),
  event("completed", { result: jsonSchema, partial: z.boolean().optional() }),
  event("failed", { error: attemptErrorSchema }),
  event("handed_back", {}),
  event("paused", {}),
  /** The attempt was ended by a command (cancel, fence): nothing to record, the slot is free. */
  event("released", {}),
]);
export type WorkerEvent = z.infer<typeof workerEventSchema>;

const endings: readonly WorkerEvent["kind"][] = ["completed", "failed", "handed_back", "paused", "released"];
/** After such an event its attempt holds no slot any more. */
export const endsAttempt = ({ kind }: WorkerEvent): boolean => endings.includes(kind);

export const eventBatchSchema = z.object({
  worker_id: workerIdSchema,
  customer_id: customerIdSchema,
  events: z.array(workerEventSchema).min(1).max(messageEventsMax),
});

/** committed: in Postgres. duplicate: it was already. fenced: the generation is over, stop. refused: never possible. */
export const outcomes = ["committed", "duplicate", "fenced", "refused"] as const;
export type Outcome = (typeof outcomes)[number];

export const eventOutcomeSchema = z.object({
  event_id: z.int(),
  outcome: z.enum(outcomes),
  reason: z.string().optional(),
});
export type EventOutcome = z.infer<typeof eventOutcomeSchema>;
