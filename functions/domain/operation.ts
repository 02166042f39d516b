/** What its owner may have done to a workload: cancel, pause, resume, move. Every arrow of the specification, and no other. */
import { isTerminal } from "../../schema/status.ts";
import { decided, moved, paused, pendingMove, resumed, type Target } from "./intent.ts";
import { canonicalText } from "./queue-line.ts";
import {
  type Decision,
  duplicate,
  ended,
  fencedOff,
  fold,
  type Moment,
  refusedAs,
  step,
  withoutWorker,
} from "./step.ts";
import type { Actor, Change, Intent, Workload } from "./workload.ts";

const changed = (change: Change): Decision => ({ kind: "change", change });

/** Any non-terminal to CANCELLED; cancelling what is cancelled changes nothing. */
export function cancel(workload: Workload, actor: Actor, reason: string | null, { now }: Moment): Decision {
  if (workload.status === "CANCELLED") return duplicate;
  if (isTerminal(workload.status)) return refusedAs(workload);
  const next = fencedOff(ended(workload, "CANCELLED", now));
  return decided(workload, next, now, [["workload.cancelled", actor, reason === null ? {} : { reason }]]);
}

/** To PAUSED at once; what runs saves a checkpoint first, and until then only the intent is noted. */
export function pause(workload: Workload, actor: Actor, reason: string | null, { now }: Moment): Decision {
  if (workload.status === "PAUSED" || workload.intent?.kind === "pause") return duplicate;
  if (isTerminal(workload.status)) return refusedAs(workload);
  if (workload.status !== "RUNNING") return changed(paused(workload, actor, reason, now));
  const after = pendingMove(workload);
  return intending(workload, { kind: "pause", actor, reason, at: now, ...(after === null ? {} : { after }) });
}

/** PAUSED to PENDING, with its checkpoint. */
export function resume(workload: Workload, actor: Actor, { now }: Moment): Decision {
  return workload.status === "PAUSED" ? changed(resumed(workload, actor, now)) : refusedAs(workload);
}

/** What is not named stays as it is, or as an earlier move that is still under way will have it. */
export function move(workload: Workload, actor: Actor, wanted: Partial<Target>, { now }: Moment): Decision {
  if (isTerminal(workload.status)) return refusedAs(workload);
  const under = pendingMove(workload) ?? workload;
  const { pool = under.pool, affinity = under.affinity } = wanted;
  if (isThere(workload, under, { pool, affinity })) return duplicate;
  if (workload.status === "RUNNING") return intending(workload, { kind: "move", actor, at: now, pool, affinity });
  const { generation, status } = workload;
  const change = { ...moved(withoutAttempt(workload), { pool, affinity }, actor, now), from: { generation, status } };
  return changed(status === "PAUSED" ? fold(change, resumed(change.next, actor, now)) : change);
}

/** It may run in just these places, or soon will; what is paused, or about to be, goes on by a move all the same. */
const isThere = ({ status, intent }: Workload, now: Target, wanted: Target): boolean =>
  status !== "PAUSED" && intent?.kind !== "pause" && canonicalText(targetOf(now)) === canonicalText(targetOf(wanted));

const targetOf = ({ pool, affinity }: Target): Target => ({ pool, affinity });

/** An assignment that has not begun is taken back; what waits keeps its generation. */
const withoutAttempt = (workload: Workload): Workload =>
  workload.status === "SCHEDULED" ? fencedOff({ ...withoutWorker(workload), status: "PENDING" }) : workload;

const intending = (workload: Workload, intent: Intent): Decision =>
  changed(step(workload, { ...workload, intent }, intent.at, []));
