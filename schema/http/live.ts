/** What a client that watches is told, one message a frame or an event; and how it says who it is and where it left off. */
import { z } from "zod";
import { workerIdSchema, workloadIdSchema } from "../ids.ts";
import { jsonSchema } from "../json.ts";
import { errorCodes, logLevels, workloadStatuses } from "../status.ts";
import { timeSchema } from "./submit.ts";

export const cursorSchema = z.string().max(512);

/** Of the WebSocket routes: a client that can set no header may give its token here, or in its first message. */
export const watchQuerySchema = z.strictObject({
  cursor: cursorSchema.optional(),
  token: z.string().max(8_192).optional(),
});
export const eventsQuerySchema = z.strictObject({ cursor: cursorSchema.optional() });

/** The first message of a client that gave its token nowhere else. */
export const tokenMessageSchema = z.strictObject({ token: z.string().max(8_192) });

const message = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) =>
  z.object({ type: z.literal(type), cursor: cursorSchema, ...shape });

const about = { workload_id: workloadIdSchema, generation: z.int(), timestamp: timeSchema };
const state = {
  status: z.enum(workloadStatuses),
  progress_percent: z.number(),
  progress_message: z.string().nullable(),
  worker_id: workerIdSchema.nullable(),
};

/** Where a workload stands when its stream begins. */
export const liveWorkloadSchema = z.object({
  workload_id: workloadIdSchema,
  workload_type: z.string(),
  ...state,
  generation: z.int(),
  checkpoint_sequence: z.int(),
  error: z.object({ type: z.string(), message: z.string() }).nullable(),
  updated_at: timeSchema,
});
export type LiveWorkload = z.infer<typeof liveWorkloadSchema>;

/** The first message. `workload` is null for all workloads of a customer, and where a cursor says what is known already. */
export const helloSchema = message("hello", { workload: liveWorkloadSchema.nullable() });

/** `previous` is there where the status changed; progress between the audited steps comes with the cursor unchanged. */
export const statusUpdateSchema = message("status_update", {
  ...about,
  ...state,
  previous: z.enum(workloadStatuses).optional(),
});

/** On the stream of one workload only. */
export const logLineMessageSchema = message("log_line", {
  ...about,
  line: z.int(),
  level: z.enum(logLevels),
  message: z.string(),
  details: jsonSchema.nullable(),
});

export const checkpointMessageSchema = message("checkpoint", { ...about, sequence: z.int(), bytes: z.int() });

/** `result_data` is there on the stream of this one workload only. */
export const completedMessageSchema = message("completed", {
  ...about,
  worker_id: workerIdSchema.nullable(),
  partial: z.boolean().optional(),
  result_data: jsonSchema.nullable().optional(),
});

export const failedMessageSchema = message("failed", {
  ...about,
  error: z.object({ type: z.string(), message: z.string() }),
});

export const liveMessageSchema = z.discriminatedUnion("type", [
  helloSchema,
  statusUpdateSchema,
  logLineMessageSchema,
  checkpointMessageSchema,
  completedMessageSchema,
  failedMessageSchema,
]);
export type LiveMessage = z.infer<typeof liveMessageSchema>;

/** On a WebSocket only: what was wrong with a message, or why the stream ends; the close code follows. */
export const liveErrorSchema = z.object({
  type: z.literal("error"),
  error: z.object({ code: z.enum(errorCodes), message: z.string(), details: jsonSchema.nullable() }),
});
export type LiveError = z.infer<typeof liveErrorSchema>;

export const watchFrameSchema = z.union([liveMessageSchema, liveErrorSchema]);

/** Codes with which a stream of messages is closed; those from 4400 on follow the status codes of HTTP. */
export const closeCodes = {
  /** The workload is over, and all was said. */
  ended: 1000,
  /** Connect again with the last cursor: another coordinator leads, or a dependency is down. */
  connectAgain: 1012,
  /** Too many messages that mean nothing here. */
  nonsense: 4400,
  /** No valid token, or one that has expired or was revoked. */
  unauthorized: 4401,
  /** The customer is suspended, or the token may not read. */
  forbidden: 4403,
  notFound: 4404,
  /** The first message with the token did not come in time. */
  tokenLate: 4408,
  rateLimited: 4429,
} as const;
