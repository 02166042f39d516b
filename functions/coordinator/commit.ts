/** Writes decided steps in one batch, and only then believes them. */
import type { WorkloadId } from "../../schema/ids.ts";
import { fold } from "../domain/transition.ts";
import type { Change } from "../domain/workload.ts";
import type { Applied, LogBatch } from "../store/store.ts";
import { type CoordinatorDeps, type Session, SessionOver, written } from "./session.ts";

/** Steps of one workload in their order become one row change; steps of different workloads keep theirs. */
export function foldAll(changes: readonly Change[]): Change[] {
  const folded = new Map<WorkloadId, Change>();
  for (const change of changes) {
    const before = folded.get(change.next.workloadId);
    folded.set(change.next.workloadId, before === undefined ? change : fold(before, change));
  }
  return [...folded.values()];
}

/** Throws SessionOver when a row was not as decided on: then someone else wrote, or memory is wrong. */
export async function commit(
  deps: CoordinatorDeps,
  session: Session,
  changes: readonly Change[],
  logs: readonly LogBatch[],
): Promise<Applied> {
  if (changes.length === 0 && logs.length === 0) return { missed: [], scheduled: [], brokenCheckpoints: [] };
  const folded = foldAll(changes);
  const applied = written(await deps.store.apply(session.lead, folded, logs, deps.now()));
  if (applied.missed.length > 0) throw new SessionOver(`rows were not as decided on: ${applied.missed.join(", ")}`);
  for (const change of folded) session.book.record(change.from.status, change.next);
  await rereadBroken(deps, session, applied);
  return applied;
}

/** A checkpoint that did not hold: Postgres kept the last good number, and so must the book. */
async function rereadBroken(deps: CoordinatorDeps, session: Session, applied: Applied): Promise<void> {
  if (applied.brokenCheckpoints.length === 0) return;
  const ids = applied.brokenCheckpoints.map(({ workloadId }) => workloadId);
  for (const workload of await deps.store.find(deps.customerId, ids)) {
    if (session.book.get(workload.workloadId) !== undefined) session.book.record(workload.status, workload);
  }
}
