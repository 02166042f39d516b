/** What was asked of a workload while it ran is done in the very step in which its worker lets it go, whatever the reason. */
import { type Json, plainJson } from "../../schema/json.ts";
import { isHeld, isTerminal } from "../../schema/status.ts";
import { type AuditDraft, type Decision, type Extras, fencedOff, fold, step, withoutWorker } from "./step.ts";
import type { Actor, Change, Move, Pause, Workload } from "./workload.ts";

/** A step, and with it what was put off until such a step. */
export function decided(
  from: Workload,
  next: Workload,
  at: number,
  audit: readonly AuditDraft[],
  extras: Extras = {},
): Decision {
  return { kind: "change", change: carriedOut(step(from, next, at, audit, extras), at) };
}

function carriedOut(change: Change, at: number): Change {
  const { intent, status } = change.next;
  if (intent === null || isHeld(status)) return change;
  const next: Workload = { ...change.next, intent: null };
  if (isTerminal(status)) return { ...change, next };
  const rest = intent.kind === "move" ? movedOn(next, intent, at) : pausedOn(next, intent, at);
  return rest.reduce(fold, { ...change, next });
}

/** A move that was asked for first comes first, but for a workload that is paused already. */
function pausedOn(workload: Workload, { actor, reason, after }: Pause, at: number): Change[] {
  const first = after === undefined ? [] : [moved(workload, after, after.actor, at)];
  if (workload.status === "PAUSED") return first;
  return [...first, paused(first.at(-1)?.next ?? workload, actor, reason, at)];
}

function movedOn(workload: Workload, { actor, ...target }: Move, at: number): Change[] {
  const change = moved(workload, target, actor, at);
  return workload.status === "PAUSED" ? [change, resumed(change.next, actor, at)] : [change];
}

/** To PAUSED, whatever it was: no worker has it any more, and none gets it. */
export function paused(workload: Workload, actor: Actor, reason: string | null, at: number): Change {
  const next = fencedOff({ ...withoutWorker(workload), status: "PAUSED", intent: null });
  return step(workload, next, at, [["workload.paused", actor, pauseDetails(workload, reason)]]);
}

export const pauseDetails = ({ checkpointSequence }: Workload, reason: string | null): Record<string, Json> => ({
  checkpoint_sequence: checkpointSequence,
  ...(reason === null ? {} : { reason }),
});

/** PAUSED to PENDING; a time that it waited for already still counts. */
export function resumed(workload: Workload, actor: Actor, at: number): Change {
  const dueAt = workload.dueAt !== null && workload.dueAt > at ? workload.dueAt : null;
  return step(workload, { ...workload, status: "PENDING", dueAt }, at, [["workload.resumed", actor]]);
}

/** The move that is under way, whether it is to run or to pause there. */
export function pendingMove({ intent }: Workload): Move | null {
  if (intent === null) return null;
  return intent.kind === "move" ? intent : (intent.after ?? null);
}

export type Target = Pick<Workload, "pool" | "affinity">;

/** Where it may run, and nothing else; the place in the queue stays. */
export function moved(workload: Workload, { pool, affinity }: Target, actor: Actor, at: number): Change {
  const details = { from_pool: workload.pool, pool, affinity_rules: plainJson(affinity) };
  return step(workload, { ...workload, pool, affinity }, at, [["workload.moved", actor, details]]);
}
