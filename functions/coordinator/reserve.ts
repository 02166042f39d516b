/** Speaks to the pools before anything is written: they keep the customer in mind, and give slots to what needs no wait. */
import type { Pool } from "../../schema/affinity.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import type { Placement } from "../domain/demand.ts";
import type { Workload } from "../domain/workload.ts";
import { type CoordinatorDeps, type Session, sessionRetryMs } from "./session.ts";
import { shareOf } from "./share.ts";
import { demandItem } from "./update.ts";

export const poolsOf = (workloads: readonly Workload[]): Pool[] => [...new Set(workloads.map(({ pool }) => pool))];

/**
 * Every pool concerned is asked, also for no slot: it remembers the customer in its storage before there is a row, so
 * whatever becomes of this coordinator or of the answer to its statement, the cron tick finds the work.
 */
export async function reserveSlots(
  deps: CoordinatorDeps,
  session: Session,
  workloads: readonly Workload[],
): Promise<ReadonlyMap<WorkloadId, Placement>> {
  const wanted = wantedNow(session, workloads, deps.now());
  const asked = poolsOf(workloads).map((pool) =>
    ask(
      deps,
      session,
      pool,
      wanted.filter((workload) => workload.pool === pool),
    ),
  );
  const placed = await Promise.all(asked);
  return new Map(placed.flat().map((placement) => [placement.workloadId, placement]));
}

/** Pools that are to know of the customer before there is work in them, without any slot. */
export async function announce(deps: CoordinatorDeps, session: Session, pools: readonly Pool[]): Promise<void> {
  await Promise.all(pools.map((pool) => ask(deps, session, pool, [])));
}

/** What is due and within the cap, but not where others of this customer wait already: they go first. */
function wantedNow({ book, customer }: Session, workloads: readonly Workload[], now: number): Workload[] {
  const room = customer.suspended ? 0 : Math.max(0, customer.limits.runningMax - book.heldCount);
  const busy = new Set(poolsOf(workloads).filter((pool) => book.isWaiting(pool)));
  const due = workloads.filter(({ dueAt, pool }) => (dueAt === null || dueAt <= now) && !busy.has(pool));
  return due.sort((a, b) => a.queueRank - b.queueRank).slice(0, room);
}

/** A pool that does not answer may not know the customer: then this object's own alarm sees to it. */
async function ask(
  deps: CoordinatorDeps,
  session: Session,
  pool: Pool,
  wanted: readonly Workload[],
): Promise<readonly Placement[]> {
  const { customerId, epoch } = session.lead;
  const items = wanted.map((workload) => demandItem(workload, session.customer));
  try {
    return await deps.pool(pool).place({ customerId, epoch, share: shareOf(session, pool), items });
  } catch (error) {
    deps.log.warn({ err: error, pool, customer_id: customerId }, "the pool gave no slots; the workloads wait");
    deps.wakeBy(deps.now() + sessionRetryMs);
    return [];
  }
}
