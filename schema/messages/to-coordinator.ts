/** Every message that a worker sends, and every reply it can get. */
import { z } from "zod";
import { poolSchema, tagsSchema, workloadTypeSchema } from "../affinity.ts";
import { customerIdSchema, workerIdSchema, workloadIdSchema } from "../ids.ts";
import { storableText } from "../json.ts";
import { capabilitiesMax, checkpointChunksMax, nameLengthMax, sequenceMax, slotsMax } from "../limits.ts";
import { errorReplySchema } from "./envelope.ts";
import { chunkDataSchema, eventBatchSchema, eventOutcomeSchema, outcomes } from "./worker-events.ts";

/** An attempt that the worker still answers for: it runs, or its last events are not committed yet. */
export const heldSchema = z.object({
  customer_id: customerIdSchema,
  workload_id: workloadIdSchema,
  generation: z.int().min(1).max(sequenceMax),
});
export type Held = z.infer<typeof heldSchema>;

const held = z.array(heldSchema).max(slotsMax * 2);

export const resourcesSchema = z.object({
  cpu_cores: z.number().min(0).optional(),
  memory_mb: z.number().min(0).optional(),
  disk_mb: z.number().min(0).optional(),
});
export type Resources = z.infer<typeof resourcesSchema>;

export const registrationSchema = z.object({
  worker_id: workerIdSchema,
  pool: poolSchema,
  capabilities: z.array(workloadTypeSchema).max(capabilitiesMax),
  slots: z.int().min(1).max(slotsMax),
  tags: tagsSchema,
  version: storableText(nameLengthMax),
  resources: resourcesSchema.optional(),
  draining: z.boolean(),
  held,
});
export type Registration = z.infer<typeof registrationSchema>;

export const heartbeatSchema = z.object({
  worker_id: workerIdSchema,
  status: z.enum(["HEALTHY", "DRAINING"]),
  slots: z.int().min(1).max(slotsMax),
  used: z.int().min(0),
  held,
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;

const chunkAddress = {
  worker_id: workerIdSchema,
  customer_id: customerIdSchema,
  workload_id: workloadIdSchema,
  generation: z.int().min(1).max(sequenceMax),
  sequence: z.int().min(1).max(sequenceMax),
  index: z
    .int()
    .min(0)
    .max(checkpointChunksMax - 1),
};
export const chunkSchema = z.object({ ...chunkAddress, data: chunkDataSchema });
export type Chunk = z.infer<typeof chunkSchema>;
export const chunkRequestSchema = z.object(chunkAddress);
export type ChunkRequest = z.infer<typeof chunkRequestSchema>;

const message = <T extends string, P extends z.ZodType>(type: T, payload: P) =>
  z.object({ type: z.literal(type), payload });

export const toCoordinatorSchema = z.discriminatedUnion("type", [
  message("worker.register", registrationSchema),
  message("worker.heartbeat", heartbeatSchema),
  message("worker.events", eventBatchSchema),
  message("worker.checkpoint_chunk", chunkSchema),
  message("worker.fetch_checkpoint", chunkRequestSchema),
  /** Sent last by a worker that ends in order: it holds nothing any more. */
  message("worker.goodbye", z.object({ worker_id: workerIdSchema })),
]);
export type ToCoordinator = z.infer<typeof toCoordinatorSchema>;

export const registeredSchema = z.object({ lease_ms: z.int(), heartbeat_ms: z.int(), fenced: z.array(heldSchema) });
export const heartbeatAckSchema = z.object({ fenced: z.array(heldSchema), register_again: z.boolean() });

export const coordinatorReplySchema = z.discriminatedUnion("type", [
  message("registered", registeredSchema),
  message("heartbeat.ack", heartbeatAckSchema),
  message("events.outcome", z.object({ outcomes: z.array(eventOutcomeSchema) })),
  message("checkpoint.stored", z.object({ outcome: z.enum(outcomes) })),
  message("checkpoint.chunk", z.object({ outcome: z.enum(["committed", "fenced", "refused"]), data: z.string() })),
  message("goodbye.ack", z.object({})),
  errorReplySchema,
]);
export type CoordinatorReply = z.infer<typeof coordinatorReplySchema>;
