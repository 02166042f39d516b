/** What comes with time: delayed workloads become due, attempts outrun their time-out, the window runs low. */
import type { Pool } from "../../schema/affinity.ts";
import { queueWindowMax, stopAgainSeconds, timeoutGraceSeconds } from "../../schema/limits.ts";
import { isHeld, isQueued } from "../../schema/status.ts";
import { deadlineOf, timeOut } from "../domain/transition.ts";
import type { Change, Workload } from "../domain/workload.ts";
import type { Book } from "./book.ts";
import { commit } from "./commit.ts";
import { measureChanges } from "./measure.ts";
import type { CoordinatorDeps, Session } from "./session.ts";
import { type PoolStop, stopOf } from "./stop.ts";
import { updateOf } from "./update.ts";

/** Does what is due now, tells the pools, and asks to be woken for what is due next. */
export async function keepTime(deps: CoordinatorDeps, session: Session): Promise<void> {
  session.book.promote(deps.now());
  await refillWindow(deps, session);
  const late = Array.from(session.book.held()).filter((workload) => isLate(session, workload, deps.now()));
  const pools = new Set([...session.book.pools(), ...session.untold]);
  for (const pool of await timeOutAll(deps, session, late)) pools.add(pool);
  const stops = Map.groupBy([...late.flatMap(timeOutStop), ...askedStops(session)], ({ pool }) => pool);
  session.untold.clear();
  for (const pool of pools) tellPool(deps, session, pool, stops.get(pool) ?? []);
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

/** Answers the pools that have more to place than before. */
async function timeOutAll(
  deps: CoordinatorDeps,
  session: Session,
  late: readonly Workload[],
): Promise<readonly Pool[]> {
  const changes = late.flatMap((workload) => timeOutChange(deps, workload));
  const { entered } = await commit(deps, session, changes, []);
  measureChanges(session, changes, deps.now());
  return entered;
}

function timeOutChange(deps: CoordinatorDeps, workload: Workload): Change[] {
  const decision = timeOut(workload, { now: deps.now(), random: deps.random() });
  return decision.kind === "change" ? [decision.change] : [];
}

const timeOutStop = (workload: Workload): PoolStop[] => stopOf(workload, "timeout");

/** Their workers were told already, and may not have heard it. */
const askedStops = ({ book }: Session): PoolStop[] =>
  Array.from(book.held())
    .filter(({ intent }) => intent !== null)
    .flatMap((workload) => stopOf(workload, "paused"));

function tellPool(deps: CoordinatorDeps, session: Session, pool: Pool, stops: readonly PoolStop[]): void {
  deps.background(deps.pool(pool).update(updateOf(session, pool, { stops: stops.map(({ stop }) => stop) })));
}

const stopAgainMs = stopAgainSeconds * 1_000;

/** For a workload that has changed: what is to be done about it later is done without anybody asking. */
export function wakeFor(deps: CoordinatorDeps, session: Session, workload: Workload): void {
  const due = isQueued(workload.status) ? workload.dueAt : null;
  const moments = [timeOutAt(session, workload), due, tellAgainAt(workload, deps.now())].filter((at) => at !== null);
  if (moments.length > 0) deps.wakeBy(Math.min(...moments));
}

const tellAgainAt = ({ intent, status }: Workload, now: number): number | null =>
  intent === null || !isHeld(status) ? null : now + stopAgainMs;

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
  const again = tellAgainAt(workload, now);
  const at = timeOutAt(session, workload);
  const deadline = deadlineOf(workload, timeoutGraceSeconds);
  if (at === null || deadline === null) return again;
  const first = Math.min(at, again ?? at);
  return deadline > now ? first : Math.min(first, now + stayAwakeMs);
}
