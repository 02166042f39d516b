/** What comes with time: delayed workloads become due, attempts outrun their time-out, the window runs low. */
import type { Pool } from "../../schema/affinity.ts";
import { queueWindowMax, timeoutGraceSeconds } from "../../schema/limits.ts";
import type { Stop } from "../domain/demand.ts";
import { deadlineOf, timeOut } from "../domain/transition.ts";
import type { Change, Workload } from "../domain/workload.ts";
import type { Book } from "./book.ts";
import { commit } from "./commit.ts";
import { measureChanges } from "./measure.ts";
import type { CoordinatorDeps, Session } from "./session.ts";
import { updateOf } from "./update.ts";

/** Does what is due now, tells the pools, and asks to be woken for what is due next. */
export async function keepTime(deps: CoordinatorDeps, session: Session): Promise<void> {
  session.book.promote(deps.now());
  await refillWindow(deps, session);
  const late = Array.from(session.book.held()).filter((workload) => isLate(session, workload, deps.now()));
  const pools = new Set([...session.book.pools(), ...session.untold]);
  const timedOut = await timeOutAll(deps, session, late);
  session.untold.clear();
  for (const pool of pools) tellPool(deps, session, pool, timedOut.get(pool) ?? []);
  const next = nextMoment(session, deps.now());
  if (next !== null) deps.wakeBy(next);
}

const graceMs = timeoutGraceSeconds * 1_000;

/**
 * When an attempt that runs too long is ended from here; null: never. Not before the session has lasted for a grace: a
 * result that could not be written while there was none comes first.
 */
export function timeOutAt({ beganAt }: Session, workload: Workload): number | null {
  const deadline = deadlineOf(workload, timeoutGraceSeconds);
  return deadline === null ? null : Math.max(deadline, beganAt + graceMs);
}

function isLate(session: Session, workload: Workload, now: number): boolean {
  const at = timeOutAt(session, workload);
  return at !== null && at <= now;
}

/** The stops that follow, by pool. */
async function timeOutAll(
  deps: CoordinatorDeps,
  session: Session,
  late: readonly Workload[],
): Promise<ReadonlyMap<Pool, Workload[]>> {
  const changes = late.flatMap((workload) => timeOutChange(deps, workload));
  await commit(deps, session, changes, []);
  measureChanges(session, changes, deps.now());
  return Map.groupBy(late, ({ pool }) => pool);
}

function timeOutChange(deps: CoordinatorDeps, workload: Workload): Change[] {
  const decision = timeOut(workload, { now: deps.now(), random: deps.random() });
  return decision.kind === "change" ? [decision.change] : [];
}

const stopOf = ({ workloadId, workerId, generation }: Workload): Stop[] =>
  workerId === null ? [] : [{ workerId, workload_id: workloadId, generation, why: "timeout" }];

function tellPool(deps: CoordinatorDeps, session: Session, pool: Pool, late: readonly Workload[]): void {
  const update = updateOf(session, pool, { stops: late.flatMap(stopOf) });
  deps.background(deps.pool(pool).update(update));
}

/** Reads the next part of a queue that is longer than the window. */
export async function refillWindow(deps: CoordinatorDeps, { book }: Session): Promise<void> {
  const now = book.readAt(deps.now());
  if (book.needsWindow()) await refillWhole(deps, book, now);
  for (const { names, room } of book.lowLines())
    book.refillLines(names, await deps.store.lines(deps.customerId, names, room, now));
}

async function refillWhole(deps: CoordinatorDeps, book: Book, now: number): Promise<void> {
  book.refill(await deps.store.window(deps.customerId, queueWindowMax, now, book.page));
  // Pools that this is not about have lines in it, too, and may never have heard of them.
  if (book.isPaged) deps.wakeBy(deps.now());
}

/**
 * An object that nobody calls is put out of memory after ten seconds, and its next session would begin the grace anew: so
 * it is woken in between.
 */
const stayAwakeMs = 3_000;

function nextMoment(session: Session, now: number): number | null {
  const { book } = session;
  const moments = Array.from(book.held()).flatMap((workload) => lookAt(session, workload, now) ?? []);
  const due = book.nextDueAt();
  if (due !== null) moments.push(due);
  return moments.length === 0 ? null : moments.reduce((a, b) => Math.min(a, b));
}

function lookAt(session: Session, workload: Workload, now: number): number | null {
  const at = timeOutAt(session, workload);
  const deadline = deadlineOf(workload, timeoutGraceSeconds);
  if (at === null || deadline === null || deadline > now) return at;
  return Math.min(at, now + stayAwakeMs);
}
