/** The closed lists that everything else is typed by: statuses, tiers, event types, error codes. */

export const workloadStatuses = [
  "PENDING",
  "SCHEDULED",
  "RUNNING",
  "PAUSED",
  "REDISTRIBUTING",
  "COMPLETED",
  "FAILED",
  "CANCELLED",
] as const;
export type WorkloadStatus = (typeof workloadStatuses)[number];

export const terminalStatuses = ["COMPLETED", "FAILED", "CANCELLED"] as const satisfies readonly WorkloadStatus[];
/** Statuses in which a workload waits for a slot. */
export const queuedStatuses = ["PENDING", "REDISTRIBUTING"] as const satisfies readonly WorkloadStatus[];
/** Statuses in which a workload holds a slot, and so has exactly one worker. */
export const heldStatuses = ["SCHEDULED", "RUNNING"] as const satisfies readonly WorkloadStatus[];

const among = (list: readonly WorkloadStatus[]) => (status: WorkloadStatus) => list.includes(status);
export const isTerminal = among(terminalStatuses);
export const isQueued = among(queuedStatuses);
export const isHeld = among(heldStatuses);

export const workerStatuses = ["HEALTHY", "DRAINING", "DEAD", "REMOVED"] as const;
export type WorkerStatus = (typeof workerStatuses)[number];

export const tiers = ["free", "standard", "premium", "enterprise"] as const;
export type Tier = (typeof tiers)[number];

export const actorTypes = ["coordinator", "worker", "system", "user"] as const;
export type ActorType = (typeof actorTypes)[number];

export const workloadEventTypes = [
  "workload.created",
  "workload.scheduled",
  "workload.started",
  "workload.progress_updated",
  "workload.checkpoint_created",
  "workload.paused",
  "workload.resumed",
  "workload.moved",
  "workload.redistributed",
  "workload.handed_back",
  "workload.retry_scheduled",
  "workload.completed",
  "workload.failed",
  "workload.cancelled",
] as const;
export type WorkloadEventType = (typeof workloadEventTypes)[number];

export const workerEventTypes = [
  "worker.registered",
  "worker.heartbeat_missed",
  "worker.marked_dead",
  "worker.drained",
  "worker.removed",
] as const;
export type WorkerEventType = (typeof workerEventTypes)[number];

export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = (typeof logLevels)[number];

export const errorCodes = [
  "INVALID_INPUT",
  "INVALID_STATE",
  "UNAUTHORIZED",
  "FORBIDDEN",
  "NOT_FOUND",
  "METHOD_NOT_ALLOWED",
  "CONFLICT",
  "PAYLOAD_TOO_LARGE",
  "UNSUPPORTED_MEDIA_TYPE",
  "RATE_LIMITED",
  "SERVICE_UNAVAILABLE",
  "INTERNAL_ERROR",
] as const;
export type ErrorCode = (typeof errorCodes)[number];
