/** The lifecycle (SPEC §2): what one event makes of a workload. Every arrow of the table is here, and no other. */
import type { WorkerId } from "../../schema/ids.ts";
import { workerDeathsMaxDefault } from "../../schema/limits.ts";
import type { AttemptError, WorkerEvent } from "../../schema/messages/worker-events.ts";
import { isHeld, isQueued, isTerminal, type WorkloadEventType } from "../../schema/status.ts";
import type { Loss, WorkerReport } from "./demand.ts";
import { retryDecision } from "./retry.ts";
import type { Actor, AuditEntry, Change, Workload } from "./workload.ts";

/** `random` in [0, 1): the jitter of a backoff. */
export interface Moment {
  readonly now: number;
  readonly random: number;
}

/** fenced: an older generation speaks. duplicate: it is so already. refused: not possible in this state. */
export type Decision =
  | { kind: "change"; change: Change }
  | { kind: "fenced" }
  | { kind: "duplicate" }
  | { kind: "refused"; reason: string };

export const coordinatorActor: Actor = { type: "coordinator", id: "coordinator" };
const workerActor = (id: WorkerId): Actor => ({ type: "worker", id });

type Extras = Partial<Pick<Change, "result" | "error" | "checkpoints">>;
type AuditDraft = readonly [eventType: WorkloadEventType, actor: Actor, details?: AuditEntry["details"]];

function change(
  from: Workload,
  next: Workload,
  at: number,
  audit: readonly AuditDraft[],
  extras: Extras = {},
): Decision {
  const entries = audit.map(([eventType, actor, details = {}]) => ({
    eventType,
    actor,
    generation: next.generation,
    at,
    details,
  }));
  return {
    kind: "change",
    change: {
      from: { generation: from.generation, status: from.status },
      next,
      audit: entries,
      checkpoints: [],
      ...extras,
    },
  };
}

/** The slot is given back; who held it is remembered for the next placement. */
const withoutWorker = (workload: Workload): Workload => ({
  ...workload,
  workerId: null,
  lastWorkerId: workload.workerId ?? workload.lastWorkerId,
});

/** Waits again; `dueAt` null: at once. */
const queuedAgain = (workload: Workload, status: "PENDING" | "REDISTRIBUTING", dueAt: number | null): Workload => ({
  ...withoutWorker(workload),
  status,
  dueAt,
});

const ended = (workload: Workload, status: "COMPLETED" | "FAILED" | "CANCELLED", now: number): Workload => ({
  ...withoutWorker(workload),
  status,
  completedAt: now,
});

const fencedOff = (workload: Workload): Workload => ({ ...workload, generation: workload.generation + 1 });

/** PENDING or REDISTRIBUTING, due, to SCHEDULED on `workerId` under the next generation. */
export function place(workload: Workload, workerId: WorkerId, { now }: Moment): Decision {
  if (!isQueued(workload.status)) return { kind: "refused", reason: `is ${workload.status}` };
  if (workload.dueAt !== null && workload.dueAt > now) return { kind: "refused", reason: "is not due" };
  const next = fencedOff({ ...workload, status: "SCHEDULED", workerId, scheduledAt: now, startedAt: null });
  return change(workload, next, now, [["workload.scheduled", coordinatorActor, { worker_id: workerId }]]);
}

/** Any non-terminal to CANCELLED; cancelling what is cancelled changes nothing. */
export function cancel(workload: Workload, actor: Actor, reason: string | null, { now }: Moment): Decision {
  if (workload.status === "CANCELLED") return { kind: "duplicate" };
  if (isTerminal(workload.status)) return { kind: "refused", reason: `is ${workload.status}` };
  const next = fencedOff(ended(workload, "CANCELLED", now));
  return change(workload, next, now, [["workload.cancelled", actor, reason === null ? {} : { reason }]]);
}

/** When a running attempt must have ended, as its worker should have seen to; null: never. */
export const deadlineOf = (workload: Workload, graceSeconds: number): number | null =>
  workload.status !== "RUNNING" || workload.startedAt === null || workload.policy.timeoutSeconds === null
    ? null
    : workload.startedAt + (workload.policy.timeoutSeconds + graceSeconds) * 1_000;

/** The worker did not end an attempt in time: a transient error of kind `timeout`, fenced off. */
export function timeOut(workload: Workload, moment: Moment): Decision {
  if (workload.status !== "RUNNING") return { kind: "duplicate" };
  const message = `ran longer than ${workload.policy.timeoutSeconds} s`;
  return attemptFailed(workload, { kind: "timeout", type: "TIMEOUT", message }, coordinatorActor, moment, fencedOff);
}

/** The end of an attempt that its worker did not report. */
export function lose(workload: Workload, loss: Loss, { now }: Moment): Decision {
  if (loss.generation < workload.generation) return { kind: "duplicate" };
  if (!isHeld(workload.status) || workload.workerId !== loss.workerId) return { kind: "duplicate" };
  if (loss.why === "worker_lost") return workerLost(workload, loss.workerId, now);
  if (workload.status === "RUNNING") return { kind: "duplicate" };
  const next = fencedOff(queuedAgain(workload, "PENDING", null));
  const details = { worker_id: loss.workerId, reason: `assignment ${loss.why}` };
  return change(workload, next, now, [["workload.redistributed", coordinatorActor, details]]);
}

/** Deaths have their own bound, so that a workload that kills its workers ends FAILED (I14). */
function workerLost(workload: Workload, workerId: WorkerId, now: number): Decision {
  const deathCount = workload.deathCount + 1;
  const details = { worker_id: workerId, reason: "worker lost", death_count: deathCount };
  if (deathCount < workerDeathsMaxDefault) {
    const next = { ...queuedAgain(workload, "REDISTRIBUTING", null), deathCount };
    return change(workload, next, now, [["workload.redistributed", coordinatorActor, details]]);
  }
  const error = { type: "WORKER_DEATHS", message: `${deathCount} workers died while running it` };
  const next = fencedOff({ ...ended(workload, "FAILED", now), deathCount });
  return change(workload, next, now, [["workload.failed", coordinatorActor, { ...details, error }]], { error });
}

/** What a worker reports of an attempt; only the holder of the current generation is believed (I1, I3). */
export function report(workload: Workload, { workerId, event }: WorkerReport, moment: Moment): Decision {
  if (event.generation < workload.generation) return { kind: "fenced" };
  if (event.generation > workload.generation) return { kind: "refused", reason: "a generation that was never granted" };
  if (!isHeld(workload.status) || workload.workerId !== workerId) return afterTheEnd(workload, workerId, event);
  return reported(workload, workerId, event, moment);
}

/** The attempt of this generation is over: the same news again is a duplicate, anything else comes too late. */
function afterTheEnd(workload: Workload, workerId: WorkerId, event: WorkerEvent): Decision {
  const byThisWorker = workload.lastWorkerId === workerId;
  const agrees =
    (workload.status === "COMPLETED" && event.kind !== "failed" && event.kind !== "handed_back") ||
    ((workload.status === "FAILED" || workload.status === "PENDING") && event.kind !== "completed");
  return byThisWorker && agrees ? { kind: "duplicate" } : { kind: "fenced" };
}

function reported(workload: Workload, workerId: WorkerId, event: WorkerEvent, moment: Moment): Decision {
  const actor = workerActor(workerId);
  if (event.kind === "started") return started(workload, actor, moment.now);
  if (event.kind === "handed_back") return handedBack(workload, actor, moment.now);
  if (event.kind === "released") return released(workload, moment.now);
  if (workload.status === "SCHEDULED") return startedAnd(workload, workerId, event, moment);
  if (event.kind === "progress") return progressed(workload, actor, event.percent, event.message, moment.now);
  if (event.kind === "checkpoint") return checkpointed(workload, actor, event.checkpoint, moment.now);
  if (event.kind === "completed") return completed(workload, actor, event, moment.now);
  if (event.kind === "failed") return attemptFailed(workload, event.error, actor, moment, (same) => same);
  if (event.kind === "paused") return paused(workload, actor, moment.now);
  return { kind: "duplicate" }; // log lines change no state
}

function started(workload: Workload, actor: Actor, now: number): Decision {
  if (workload.status === "RUNNING") return { kind: "duplicate" };
  const next: Workload = { ...workload, status: "RUNNING", startedAt: now };
  return change(workload, next, now, [["workload.started", actor]]);
}

/** News of a running attempt whose start was not told: both happened. */
function startedAnd(workload: Workload, workerId: WorkerId, event: WorkerEvent, moment: Moment): Decision {
  const first = started(workload, workerActor(workerId), moment.now);
  if (first.kind !== "change") return first;
  const second = reported(first.change.next, workerId, event, moment);
  return second.kind === "change" ? { kind: "change", change: fold(first.change, second.change) } : second;
}

/** Audited at the ten-percent steps, not at every report. */
function progressed(workload: Workload, actor: Actor, percent: number, message: string | null, now: number): Decision {
  const next = { ...workload, progressPercent: Math.round(percent * 100) / 100, progressMessage: message };
  const stepped = Math.floor(percent / 10) > Math.floor(workload.progressPercent / 10);
  return change(workload, next, now, stepped ? [["workload.progress_updated", actor, { percent, message }]] : []);
}

function checkpointed(
  workload: Workload,
  actor: Actor,
  checkpoint: Change["checkpoints"][number],
  now: number,
): Decision {
  if (checkpoint.sequence <= workload.checkpointSequence) return { kind: "duplicate" };
  const next = { ...workload, checkpointSequence: checkpoint.sequence };
  const details = { sequence: checkpoint.sequence, bytes: checkpoint.bytes };
  return change(workload, next, now, [["workload.checkpoint_created", actor, details]], { checkpoints: [checkpoint] });
}

function completed(
  workload: Workload,
  actor: Actor,
  event: Extract<WorkerEvent, { kind: "completed" }>,
  now: number,
): Decision {
  const next = { ...ended(workload, "COMPLETED", now), progressPercent: 100 };
  const details = event.partial === true ? { partial: true } : {};
  return change(workload, next, now, [["workload.completed", actor, details]], { result: event.result });
}

function attemptFailed(
  workload: Workload,
  cause: AttemptError,
  actor: Actor,
  { now, random }: Moment,
  generation: (workload: Workload) => Workload,
): Decision {
  const error = { type: cause.type, message: cause.message };
  const decision = retryDecision(workload.policy, workload.retryCount, cause, random);
  if (decision.kind === "give_up") {
    const next = generation(ended(workload, "FAILED", now));
    return change(workload, next, now, [["workload.failed", actor, { error, kind: cause.kind }]], { error });
  }
  const dueAt = now + decision.dueInMs;
  const next = generation({ ...queuedAgain(workload, "PENDING", dueAt), retryCount: workload.retryCount + 1 });
  const details = { error, kind: cause.kind, retry: next.retryCount, due_at: new Date(dueAt).toISOString() };
  return change(workload, next, now, [["workload.retry_scheduled", actor, details]], { error });
}

/** A drain: no attempt is burnt, and the old worker is fenced off. */
function handedBack(workload: Workload, actor: Actor, now: number): Decision {
  const next = fencedOff(queuedAgain(workload, "REDISTRIBUTING", null));
  const details = { checkpoint_sequence: workload.checkpointSequence };
  return change(workload, next, now, [["workload.handed_back", actor, details]]);
}

/** The worker gave an attempt up by itself (its lease ran out on its own clock): nobody died, it goes elsewhere. */
function released(workload: Workload, now: number): Decision {
  const next = fencedOff(queuedAgain(workload, "REDISTRIBUTING", null));
  const details = { worker_id: workload.workerId, reason: "given up by its worker" };
  return change(workload, next, now, [["workload.redistributed", coordinatorActor, details]]);
}

function paused(workload: Workload, actor: Actor, now: number): Decision {
  const next = fencedOff({ ...withoutWorker(workload), status: "PAUSED" });
  const details = { checkpoint_sequence: workload.checkpointSequence };
  return change(workload, next, now, [["workload.paused", actor, details]]);
}

/** Two steps of one workload as one: checked on the first's origin, written as the second's end, audited as both. */
export function fold(first: Change, second: Change): Change {
  return {
    ...first,
    ...second,
    from: first.from,
    audit: [...first.audit, ...second.audit],
    checkpoints: [...first.checkpoints, ...second.checkpoints],
  };
}
