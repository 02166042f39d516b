/** What the operator reads of workers, and may ask about them. */
import { z } from "zod";
import { poolSchema, tagsSchema, workloadTypeSchema } from "../affinity.ts";
import { customerIdSchema, workerIdSchema, workloadIdSchema } from "../ids.ts";
import { listItemsDefault, listItemsMax } from "../limits.ts";
import { workerStatuses } from "../status.ts";
import { timeSchema } from "./submit.ts";
import { integerText } from "./workload.ts";

/** promised: a slot is reserved, nothing was sent. sent: on its way. held: the worker has it. ending: over, or about to be. */
export const heldStates = ["promised", "sent", "held", "ending"] as const;
export type HeldState = (typeof heldStates)[number];

export const heldWorkloadSchema = z.object({
  workload_id: workloadIdSchema,
  customer_id: customerIdSchema,
  workload_type: z.string(),
  /** 0: it has none yet. */
  generation: z.int().min(0),
  state: z.enum(heldStates),
});
export type HeldWorkload = z.infer<typeof heldWorkloadSchema>;

export const workerViewSchema = z.object({
  worker_id: workerIdSchema,
  pool: poolSchema,
  status: z.enum(workerStatuses),
  capabilities: z.array(workloadTypeSchema),
  slots: z.int().min(1),
  slots_used: z.int().min(0),
  tags: tagsSchema,
  version: z.string(),
  /** Null: its registration is not written yet. */
  registered_at: timeSchema.nullable(),
  /** When it was last heard of; of a worker that is gone, when that was found. An idle worker has nothing to say. */
  last_seen_at: timeSchema,
  running: z.array(heldWorkloadSchema),
});
export type WorkerView = z.infer<typeof workerViewSchema>;

export const workerQuerySchema = z.strictObject({
  pool: poolSchema.optional(),
  status: z.enum(workerStatuses).optional(),
  limit: integerText(1, listItemsMax).default(listItemsDefault),
  /** The last worker of the page before. */
  cursor: workerIdSchema.optional(),
});
export type WorkerQuery = z.infer<typeof workerQuerySchema>;

export const workerListSchema = z.object({
  workers: z.array(workerViewSchema),
  pagination: z.object({ limit: z.int(), has_more: z.boolean(), next_cursor: z.string().nullable() }),
});
