/** NATS subjects (SPEC §7): `niyanta.<pool>.…`. */
import type { Pool } from "../affinity.ts";
import type { WorkerId } from "../ids.ts";

const prefix = "niyanta";

/** Coordinator to all: roll call, announcements. */
export const broadcastSubject = (pool: Pool) => `${prefix}.${pool}.coordinator.broadcast`;
/** Worker to coordinator, request-reply: register, events, checkpoint bytes. */
export const eventsSubject = (pool: Pool) => `${prefix}.${pool}.coordinator.events`;
/** Coordinator to one worker, request-reply: assign, cancel, drain. */
export const commandsSubject = (pool: Pool, worker: WorkerId) => `${prefix}.${pool}.worker.${worker}.commands`;
/** Worker to coordinator, request-reply: heartbeat. */
export const statusSubject = (pool: Pool, worker: WorkerId) => `${prefix}.${pool}.worker.${worker}.status`;
/** What the coordinator listens to for heartbeats. */
export const anyStatusSubject = (pool: Pool) => `${prefix}.${pool}.worker.*.status`;
/** The queue group of the coordinators: two that coexist for a moment do not both answer. */
export const coordinatorQueueGroup = "coordinator";
