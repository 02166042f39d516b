/** What comes with time: delayed workloads become due, attempts outrun their time-out, the window runs low. */
import type { Pool } from "../../schema/affinity.ts";
import { queueWindowMax, timeoutGraceSeconds } from "../../schema/limits.ts";
import type { Stop } from "../domain/demand.ts";
import { deadlineOf, timeOut } from "../domain/transition.ts";
import type { Change, Workload } from "../domain/workload.ts";
import { commit } from "./commit.ts";
import { measureChanges } from "./measure.ts";
import type { CoordinatorDeps, Session } from "./session.ts";
import { updateOf } from "./update.ts";

/** Does what is due now, tells the pools, and asks to be woken for what is due next. */
export async function keepTime(deps: CoordinatorDeps, session: Session): Promise<void> {
  session.book.promote(deps.now());
  await refillWindow(deps, session);
  const late = Array.from(session.book.held()).filter((workload) => isLate(workload, deps.now()));
  const pools = session.book.pools();
  const timedOut = await timeOutAll(deps, session, late);
  for (const pool of pools) tellPool(deps, session, pool, timedOut.get(pool) ?? []);
  const next = nextMoment(session);
  if (next !== null) deps.wakeBy(next);
}

const isLate = (workload: Workload, now: number): boolean => {
  const deadline = deadlineOf(workload, timeoutGraceSeconds);
  return deadline !== null && deadline <= now;
};

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
export async function refillWindow(deps: CoordinatorDeps, session: Session): Promise<void> {
  if (!session.book.needsRefill()) return;
  session.book.refill(await deps.store.window(deps.customerId, queueWindowMax, deps.now()));
}

function nextMoment({ book }: Session): number | null {
  const moments = Array.from(book.held()).flatMap((workload) => deadlineOf(workload, timeoutGraceSeconds) ?? []);
  const due = book.nextDueAt();
  if (due !== null) moments.push(due);
  return moments.length === 0 ? null : moments.reduce((a, b) => Math.min(a, b));
}
