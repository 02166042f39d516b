/** Explains what does not wait: who has it, or who brought it where it is. */

import type { Json } from "../../schema/json.ts";
import type { WorkloadStatus } from "../../schema/status.ts";
import { detailOf } from "./detail.ts";
import type { Explanation, Question, Recorded } from "./explain.ts";
import type { Actor, Intent, Workload } from "./workload.ts";

type Settled = Exclude<WorkloadStatus, "PENDING" | "REDISTRIBUTING">;

export const explainSettled: Readonly<Record<Settled, (question: Question) => Explanation>> = {
  SCHEDULED: ({ workload }) => ({
    rule: "ASSIGNED",
    message: `assigned to worker ${workload.workerId}, which has not started it yet`,
    details: { worker_id: workload.workerId, scheduled_at: isoOrNull(workload.scheduledAt) },
  }),
  RUNNING: ({ workload }) =>
    workload.intent === null ? explainRunning(workload) : explainIntent(workload, workload.intent),
  PAUSED: ({ recorded }) => told("PAUSED", "paused", recorded),
  COMPLETED: ({ workload }) => ({
    rule: "COMPLETED",
    message: `completed at ${isoOrNull(workload.completedAt)}`,
    details: { completed_at: isoOrNull(workload.completedAt) },
  }),
  FAILED: ({ workload, recorded }) => ({
    rule: "FAILED",
    message: `failed for good at ${isoOrNull(workload.completedAt)}`,
    details: { completed_at: isoOrNull(workload.completedAt), error: fieldOf(recorded, "error") },
  }),
  CANCELLED: ({ recorded }) => told("CANCELLED", "cancelled", recorded),
};

function explainRunning({ workerId, startedAt, progressPercent, progressMessage }: Workload): Explanation {
  return {
    rule: "RUNNING",
    message: `runs on worker ${workerId} since ${isoOrNull(startedAt)}`,
    details: {
      worker_id: workerId,
      started_at: isoOrNull(startedAt),
      progress_percent: progressPercent,
      progress_message: progressMessage,
    },
  };
}

function explainIntent({ workerId }: Workload, intent: Intent): Explanation {
  const { actor, at } = intent;
  const since = { worker_id: workerId, ...byWhom(actor), at: iso(at) };
  const then = `as soon as worker ${workerId} has saved its state and let go`;
  if (intent.kind === "pause") {
    const place = intent.after === undefined ? {} : { pool: intent.after.pool };
    const message = `is to be ${intent.after === undefined ? "" : `moved to pool ${intent.after.pool} and `}paused ${then}`;
    return { rule: "PAUSING", message, details: { ...since, reason: intent.reason, ...place } };
  }
  return {
    rule: "MOVING",
    message: `is to be moved to pool ${intent.pool} ${then}`,
    details: { ...since, pool: intent.pool },
  };
}

/** By whom, when, and for which reason. */
function told(rule: "PAUSED" | "CANCELLED", verb: string, recorded: Recorded | null): Explanation {
  if (recorded === null) return { rule, message: `it was ${verb}`, details: {} };
  const { actor, at } = recorded;
  const details = { ...byWhom(actor), at: iso(at), reason: fieldOf(recorded, "reason") };
  return { rule, message: `${verb} by ${actor.type} ${actor.id} at ${iso(at)}`, details };
}

const byWhom = ({ type, id }: Actor) => ({ actor_type: type, actor_id: id });
export const iso = (at: number): string => new Date(at).toISOString();
const isoOrNull = (at: number | null): string | null => (at === null ? null : iso(at));

export const fieldOf = (recorded: Recorded | null, name: string): Json => detailOf(recorded?.details ?? null, name);
