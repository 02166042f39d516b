/** Live updates as data: what there is to tell, and which message an audit event or a log line becomes. */
import type { LiveMessage } from "../../schema/http/live.ts";
import { type WorkerId, type WorkloadId, workerIdSchema } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import type { LogLevel, WorkloadStatus } from "../../schema/status.ts";
import { detailOf } from "./detail.ts";
import type { Workload } from "./workload.ts";

/** How far a stream has come: the last audit event, and of one workload's stream the last log line too. */
export interface LivePlace {
  readonly eventId: number;
  readonly generation: number;
  readonly line: number;
}

export interface WorkloadPlace extends LivePlace {
  readonly workloadId: WorkloadId;
}

/** Times in milliseconds. */
export interface LiveEvent {
  readonly eventId: number;
  readonly workloadId: WorkloadId;
  readonly eventType: string;
  readonly actorId: string;
  readonly generation: number;
  readonly details: Json;
  readonly at: number;
  /** The event that the status before this one comes from; null: none, or this event changes no status. */
  readonly before: StatusEvent | null;
  /** Details of the newest report of progress up to here that was audited. */
  readonly progress: Json;
}

/** `moved`: since then it was given other places to run in. */
export interface StatusEvent {
  readonly eventType: string;
  readonly reason: string | null;
  readonly moved: boolean;
}

export interface LiveLine {
  readonly generation: number;
  readonly line: number;
  readonly at: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly details: Json;
}

/** What one workload has to tell after a place, as of one moment; both in order. */
export interface WorkloadNews {
  readonly events: readonly LiveEvent[];
  readonly lines: readonly LiveLine[];
}

type WithoutCursor<M> = M extends LiveMessage ? Omit<M, "cursor"> : never;
/** A message; the cursor is the stream's to add. */
export type LiveNews = WithoutCursor<LiveMessage>;

const iso = (at: number): string => new Date(at).toISOString();
const about = ({ workloadId, generation, at }: Pick<LiveEvent, "workloadId" | "generation" | "at">) => ({
  workload_id: workloadId,
  generation,
  timestamp: iso(at),
});

/** `result`: undefined where it is not told. Null: an event that no stream tells of. */
export function newsOf(event: LiveEvent, result?: Json): LiveNews | null {
  switch (event.eventType) {
    case "workload.checkpoint_created":
      return { type: "checkpoint", ...about(event), ...checkpointIn(event.details) };
    case "workload.completed":
      return { type: "completed", ...about(event), ...completion(event, result) };
    case "workload.failed":
      return { type: "failed", ...about(event), error: errorIn(event.details) };
    default:
      return statusNews(event);
  }
}

const checkpointIn = (details: Json) => ({
  sequence: numberOr(0, detailOf(details, "sequence")),
  bytes: numberOr(0, detailOf(details, "bytes")),
});

const completion = ({ actorId, details }: LiveEvent, result: Json | undefined) => ({
  worker_id: workerOrNull(actorId),
  ...(detailOf(details, "partial") === true ? { partial: true } : {}),
  ...(result === undefined ? {} : { result_data: result }),
});

function errorIn(details: Json): { type: string; message: string } {
  const error = detailOf(details, "error");
  return { type: textOr("UNKNOWN", detailOf(error, "type")), message: textOr("", detailOf(error, "message")) };
}

function statusNews(event: LiveEvent): LiveNews | null {
  const previous = event.before === null ? null : statusBefore(event.before);
  const status = statusAfter(event.eventType, textOr("", detailOf(event.details, "reason")), previous);
  if (status === null) return null;
  const details = event.eventType === "workload.progress_updated" ? event.details : event.progress;
  return {
    type: "status_update",
    ...about(event),
    status,
    ...(previous === null || previous === status ? {} : { previous }),
    progress_percent: numberOr(0, detailOf(details, "percent")),
    progress_message: textOr(null, detailOf(details, "message")),
    worker_id: workerOf(event),
  };
}

const statusBefore = ({ eventType, reason, moved }: StatusEvent): WorkloadStatus | null => {
  const status = statusAfter(eventType, reason ?? "", null);
  return moved ? afterMove(status) : status;
};

/** A move takes back an assignment that has not begun, and leaves every other status as it is. */
const afterMove = (status: WorkloadStatus | null): WorkloadStatus | null =>
  status === "SCHEDULED" ? "PENDING" : status;

const statuses: Readonly<Record<string, WorkloadStatus>> = {
  "workload.created": "PENDING",
  "workload.scheduled": "SCHEDULED",
  "workload.started": "RUNNING",
  "workload.progress_updated": "RUNNING",
  "workload.paused": "PAUSED",
  "workload.resumed": "PENDING",
  "workload.handed_back": "REDISTRIBUTING",
  "workload.retry_scheduled": "PENDING",
  "workload.completed": "COMPLETED",
  "workload.failed": "FAILED",
  "workload.cancelled": "CANCELLED",
};

/** An assignment that was refused or not answered goes back into the queue; only a lost attempt is redistributed. */
function statusAfter(eventType: string, reason: string, before: WorkloadStatus | null): WorkloadStatus | null {
  if (eventType === "workload.moved") return afterMove(before);
  if (eventType === "workload.redistributed") return reason.startsWith("assignment ") ? "PENDING" : "REDISTRIBUTING";
  return statuses[eventType] ?? null;
}

function workerOf({ eventType, actorId, details }: LiveEvent): WorkerId | null {
  if (eventType === "workload.scheduled") return workerOrNull(detailOf(details, "worker_id"));
  const isRunning = eventType === "workload.started" || eventType === "workload.progress_updated";
  return isRunning ? workerOrNull(actorId) : null;
}

const workerOrNull = (value: Json): WorkerId | null => workerIdSchema.safeParse(value).data ?? null;
const numberOr = (other: number, value: Json): number => (typeof value === "number" ? value : other);
const textOr = <Other>(other: Other, value: Json): string | Other => (typeof value === "string" ? value : other);

export const lineNews = (workloadId: WorkloadId, { generation, at, ...line }: LiveLine): LiveNews => ({
  type: "log_line",
  ...about({ workloadId, generation, at }),
  ...line,
});

/** Progress that is not audited, from the memory of the coordinator. */
export const progressNews = (workload: Workload, at: number): LiveNews => ({
  type: "status_update",
  ...about({ ...workload, at }),
  status: workload.status,
  progress_percent: workload.progressPercent,
  progress_message: workload.progressMessage,
  worker_id: workload.workerId,
});
