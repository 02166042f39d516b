/** Writes decided steps in one batch, and only then believes them. */
import type { Pool } from "../../schema/affinity.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { isQueued } from "../../schema/status.ts";
import { fold } from "../domain/step.ts";
import type { Change } from "../domain/workload.ts";
import type { Applied, LogBatch, Remembered } from "../store/store.ts";
import { announce } from "./reserve.ts";
import { type CoordinatorDeps, type Session, SessionOver, written } from "./session.ts";
import { freesSlot } from "./slots-freed.ts";

/** Steps of one workload in their order become one row change; steps of different workloads keep theirs. */
export function foldAll(changes: readonly Change[]): Change[] {
  const folded = new Map<WorkloadId, Change>();
  for (const change of changes) {
    const before = folded.get(change.next.workloadId);
    folded.set(change.next.workloadId, before === undefined ? change : fold(before, change));
  }
  return [...folded.values()];
}

/** What was written; `entered`: pools that have something to place now which they had not before. */
export interface Committed extends Applied {
  readonly entered: readonly Pool[];
}

const nothing: Committed = { missed: [], scheduled: [], brokenCheckpoints: [], entered: [] };

/** Throws SessionOver when a row was not as decided on: then someone else wrote, or memory is wrong. */
export async function commit(
  deps: CoordinatorDeps,
  session: Session,
  changes: readonly Change[],
  logs: readonly LogBatch[],
  remember: Remembered | null = null,
): Promise<Committed> {
  if (changes.length === 0 && logs.length === 0 && remember === null) return nothing;
  const folded = foldAll(changes);
  const entered = enteredPools(session, folded);
  await announce(deps, session, entered);
  const applied = written(await deps.store.apply(session.lead, folded, logs, deps.now(), remember));
  if (applied.missed.length > 0) throw new SessionOver(`rows were not as decided on: ${applied.missed.join(", ")}`);
  countFreed(session, changes, deps.now());
  for (const change of folded) {
    session.book.record(change.from.status, change.next);
    session.settling.tell(change);
  }
  await rereadBroken(deps, session, applied);
  return { ...applied, entered };
}

/** In the pools where they were held, which only what is in mind still tells. */
function countFreed({ book, slotsFreed }: Session, changes: readonly Change[], now: number): void {
  for (const change of changes.filter(freesSlot)) {
    slotsFreed.count(book.get(change.next.workloadId)?.pool ?? change.next.pool, now);
  }
}

/** Of workloads that were paused, or in another pool: what holds a slot or waits is known, and with its pool. */
function enteredPools({ book }: Session, changes: readonly Change[]): Pool[] {
  const entered = changes.filter(({ next }) => isQueued(next.status) && book.get(next.workloadId)?.pool !== next.pool);
  return [...new Set(entered.map(({ next }) => next.pool))];
}

/** A checkpoint that did not hold: Postgres kept the last good number, and so must the book. */
async function rereadBroken(deps: CoordinatorDeps, session: Session, applied: Applied): Promise<void> {
  if (applied.brokenCheckpoints.length === 0) return;
  const ids = applied.brokenCheckpoints.map(({ workloadId }) => workloadId);
  for (const workload of await deps.store.find(deps.customerId, ids)) {
    if (session.book.get(workload.workloadId) !== undefined) session.book.record(workload.status, workload);
  }
}
