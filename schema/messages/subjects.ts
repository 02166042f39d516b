/** NATS subjects (SPEC §7): `niyanta.<pool>.…`. What a worker sends carries its id in the subject: that id is believed. */
import { type Pool, poolSchema } from "../affinity.ts";
import { type WorkerId, workerIdSchema } from "../ids.ts";

const prefix = "niyanta";

/** Coordinator to all: roll call, announcements. */
export const broadcastSubject = (pool: Pool) => `${prefix}.${pool}.coordinator.broadcast`;
/** Worker to coordinator, request-reply: register, events, checkpoint bytes. */
export const eventsSubject = (pool: Pool, worker: WorkerId) => `${prefix}.${pool}.coordinator.events.${worker}`;
/** What the coordinator listens to for all that is not a heartbeat. */
export const anyEventsSubject = (pool: Pool) => `${prefix}.${pool}.coordinator.events.*`;
/** Coordinator to one worker, request-reply: assign, cancel, drain. */
export const commandsSubject = (pool: Pool, worker: WorkerId) => `${prefix}.${pool}.worker.${worker}.commands`;
export const anyCommandsSubject = (pool: Pool) => `${prefix}.${pool}.worker.*.commands`;
/** Worker to coordinator, request-reply: heartbeat. */
export const statusSubject = (pool: Pool, worker: WorkerId) => `${prefix}.${pool}.worker.${worker}.status`;
/** What the coordinator listens to for heartbeats. */
export const anyStatusSubject = (pool: Pool) => `${prefix}.${pool}.worker.*.status`;
/** Where one worker's replies go: its own, and nobody else's. */
export const workerInbox = (pool: Pool, worker: WorkerId) => `${prefix}.${pool}.inbox.${worker}`;
export const coordinatorInbox = (pool: Pool) => `${prefix}.${pool}.inbox.coordinator`;
export const anyInboxSubject = (pool: Pool) => `${prefix}.${pool}.inbox.>`;
export const below = (inbox: string) => `${inbox}.>`;
/** The queue group of the coordinators: two that coexist for a moment do not both answer. */
export const coordinatorQueueGroup = "coordinator";

export interface Sender {
  readonly pool: Pool;
  readonly workerId: WorkerId;
}

const fromWorker = new RegExp(`^${prefix}\\.([^.]+)\\.(?:coordinator\\.events\\.([^.]+)|worker\\.([^.]+)\\.status)$`);

/** Which worker a message came from; null: from no worker. The broker lets each publish only under its own id. */
export function senderOf(subject: string): Sender | null {
  const [, poolName, ofEvents, ofStatus] = fromWorker.exec(subject) ?? [];
  const pool = poolSchema.safeParse(poolName);
  const workerId = workerIdSchema.safeParse(ofEvents ?? ofStatus);
  return pool.success && workerId.success ? { pool: pool.data, workerId: workerId.data } : null;
}

/** A sender chooses where its reply goes: only its own inbox is its to choose. */
export const isOwnInbox = ({ pool, workerId }: Sender, reply: string): boolean =>
  reply.startsWith(`${workerInbox(pool, workerId)}.`);
