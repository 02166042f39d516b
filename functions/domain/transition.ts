/** The lifecycle (SPEC §2): what becomes of a workload by placement, reports and losses; operation.ts has what its owner asks. */
import type { WorkerId } from "../../schema/ids.ts";
import { checkpointStepMax, workerDeathsMaxDefault } from "../../schema/limits.ts";
import type { AttemptError, EventOutcome, WorkerEvent } from "../../schema/messages/worker-events.ts";
import { isHeld, isQueued } from "../../schema/status.ts";
import type { Loss, WorkerReport } from "./demand.ts";
import { decided, pauseDetails } from "./intent.ts";
import { retryDecision } from "./retry.ts";
import { type Decision, duplicate, ended, fencedOff, fold, type Moment, refusedAs, withoutWorker } from "./step.ts";
import type { Actor, Change, Workload } from "./workload.ts";

export const coordinatorActor: Actor = { type: "coordinator", id: "coordinator" };
const workerActor = (id: WorkerId): Actor => ({ type: "worker", id });

/** Waits again; `dueAt` null: at once. */
const queuedAgain = (workload: Workload, status: "PENDING" | "REDISTRIBUTING", dueAt: number | null): Workload => ({
  ...withoutWorker(workload),
  status,
  dueAt,
});

/** PENDING or REDISTRIBUTING, due, to SCHEDULED on `workerId` under the next generation. */
export function place(workload: Workload, workerId: WorkerId, { now }: Moment): Decision {
  if (!isQueued(workload.status)) return refusedAs(workload);
  if (workload.dueAt !== null && workload.dueAt > now) return { kind: "refused", reason: "is not due" };
  const next = fencedOff({ ...workload, status: "SCHEDULED", workerId, scheduledAt: now, startedAt: null });
  return decided(workload, next, now, [["workload.scheduled", coordinatorActor, { worker_id: workerId }]]);
}

/** When a running attempt must have ended, as its worker should have seen to; null: never. */
export const deadlineOf = (workload: Workload, graceSeconds: number): number | null =>
  workload.status !== "RUNNING" || workload.startedAt === null || workload.policy.timeoutSeconds === null
    ? null
    : workload.startedAt + (workload.policy.timeoutSeconds + graceSeconds) * 1_000;

/** The worker did not end an attempt in time: a transient error of kind `timeout`, fenced off. */
export function timeOut(workload: Workload, moment: Moment): Decision {
  if (workload.status !== "RUNNING") return duplicate;
  const message = `ran longer than ${workload.policy.timeoutSeconds} s`;
  return attemptFailed(workload, { kind: "timeout", type: "TIMEOUT", message }, coordinatorActor, moment, fencedOff);
}

/** The end of an attempt that its worker did not report. */
export function lose(workload: Workload, loss: Loss, { now }: Moment): Decision {
  if (loss.generation < workload.generation) return duplicate;
  if (!isHeld(workload.status) || workload.workerId !== loss.workerId) return duplicate;
  if (loss.why === "worker_lost") return workerLost(workload, loss.workerId, now);
  if (loss.why === "worker_removed") return workerRemoved(workload, loss.workerId, now);
  if (workload.status === "RUNNING") return duplicate;
  const next = fencedOff(queuedAgain(workload, "PENDING", null));
  const details = { worker_id: loss.workerId, reason: `assignment ${loss.why}` };
  return decided(workload, next, now, [["workload.redistributed", coordinatorActor, details]]);
}

/** Deaths have their own bound, so that a workload that kills its workers ends FAILED (I14). */
function workerLost(workload: Workload, workerId: WorkerId, now: number): Decision {
  const deathCount = workload.deathCount + 1;
  const details = { worker_id: workerId, reason: "worker lost", death_count: deathCount };
  if (deathCount < workerDeathsMaxDefault) {
    const next = { ...queuedAgain(workload, "REDISTRIBUTING", null), deathCount };
    return decided(workload, next, now, [["workload.redistributed", coordinatorActor, details]]);
  }
  const error = { type: "WORKER_DEATHS", message: `${deathCount} workers died while running it` };
  const next = fencedOff({ ...ended(workload, "FAILED", now), deathCount });
  return decided(workload, next, now, [["workload.failed", coordinatorActor, { ...details, error }]], { error });
}

/** By the operator: nobody died, and the worker may still speak, so it is fenced off. */
function workerRemoved(workload: Workload, workerId: WorkerId, now: number): Decision {
  const next = fencedOff(queuedAgain(workload, "REDISTRIBUTING", null));
  const details = { worker_id: workerId, reason: "worker removed" };
  return decided(workload, next, now, [["workload.redistributed", coordinatorActor, details]]);
}

const neverHeldReason = "no attempt of this worker";
/** The same whether there is such a workload, or none: a worker learns nothing of what it was not given. */
export const neverHeld: Decision = { kind: "refused", reason: neverHeldReason };
export const notHeld = ({ event_id }: Pick<WorkerEvent, "event_id">): EventOutcome => ({
  event_id,
  outcome: "refused",
  reason: neverHeldReason,
});

/** What a worker reports of an attempt; only the holder of the current generation is believed (I1, I3). */
export function report(workload: Workload, { workerId, event }: WorkerReport, moment: Moment): Decision {
  if (event.generation < workload.generation) return { kind: "fenced" };
  if (event.generation > workload.generation) return neverHeld;
  if (!isHeld(workload.status) || workload.workerId !== workerId) return afterTheEnd(workload, workerId, event);
  return reported(workload, workerId, event, moment);
}

/** The attempt of this generation is over: the same news again is a duplicate, anything else comes too late. */
function afterTheEnd(workload: Workload, workerId: WorkerId, event: WorkerEvent): Decision {
  const byThisWorker = workload.lastWorkerId === workerId;
  const agrees =
    (workload.status === "COMPLETED" && event.kind !== "failed" && event.kind !== "handed_back") ||
    ((workload.status === "FAILED" || workload.status === "PENDING") && event.kind !== "completed");
  return byThisWorker && agrees ? duplicate : { kind: "fenced" };
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
  if (event.kind === "paused") return pausedAsAsked(workload, actor, moment.now);
  return duplicate; // log lines change no state
}

function started(workload: Workload, actor: Actor, now: number): Decision {
  if (workload.status === "RUNNING") return duplicate;
  const next: Workload = { ...workload, status: "RUNNING", startedAt: now };
  return decided(workload, next, now, [["workload.started", actor]]);
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
  return decided(workload, next, now, stepped ? [["workload.progress_updated", actor, { percent, message }]] : []);
}

function checkpointed(
  workload: Workload,
  actor: Actor,
  checkpoint: Change["checkpoints"][number],
  now: number,
): Decision {
  if (checkpoint.sequence <= workload.checkpointSequence) return duplicate;
  if (checkpoint.sequence > workload.checkpointSequence + checkpointStepMax)
    return { kind: "refused", reason: `a checkpoint more than ${checkpointStepMax} ahead of the newest` };
  const next = { ...workload, checkpointSequence: checkpoint.sequence };
  const details = { sequence: checkpoint.sequence, bytes: checkpoint.bytes };
  return decided(workload, next, now, [["workload.checkpoint_created", actor, details]], { checkpoints: [checkpoint] });
}

function completed(
  workload: Workload,
  actor: Actor,
  event: Extract<WorkerEvent, { kind: "completed" }>,
  now: number,
): Decision {
  const next = { ...ended(workload, "COMPLETED", now), progressPercent: 100 };
  const details = event.partial === true ? { partial: true } : {};
  return decided(workload, next, now, [["workload.completed", actor, details]], { result: event.result });
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
    return decided(workload, next, now, [["workload.failed", actor, { error, kind: cause.kind }]], { error });
  }
  const dueAt = now + decision.dueInMs;
  const next = generation({ ...queuedAgain(workload, "PENDING", dueAt), retryCount: workload.retryCount + 1 });
  const details = { error, kind: cause.kind, retry: next.retryCount, due_at: new Date(dueAt).toISOString() };
  return decided(workload, next, now, [["workload.retry_scheduled", actor, details]], { error });
}

/** A drain: no attempt is burnt, and the old worker is fenced off. */
function handedBack(workload: Workload, actor: Actor, now: number): Decision {
  const next = fencedOff(queuedAgain(workload, "REDISTRIBUTING", null));
  const details = { checkpoint_sequence: workload.checkpointSequence };
  return decided(workload, next, now, [["workload.handed_back", actor, details]]);
}

/** The worker gave an attempt up by itself (its lease ran out on its own clock): nobody died, it goes elsewhere. */
function released(workload: Workload, now: number): Decision {
  const next = fencedOff(queuedAgain(workload, "REDISTRIBUTING", null));
  const details = { worker_id: workload.workerId, reason: "given up by its worker" };
  return decided(workload, next, now, [["workload.redistributed", coordinatorActor, details]]);
}

/** In the name of who asked for it; a pause that nobody asked for is work handed back. */
function pausedAsAsked(workload: Workload, actor: Actor, now: number): Decision {
  const { intent, workerId } = workload;
  if (intent === null) return handedBack(workload, actor, now);
  const reason = intent.kind === "pause" ? intent.reason : null;
  const next = fencedOff({ ...withoutWorker(workload), status: "PAUSED" });
  const details = { ...pauseDetails(workload, reason), worker_id: workerId };
  return decided(workload, next, now, [["workload.paused", intent.actor, details]]);
}
