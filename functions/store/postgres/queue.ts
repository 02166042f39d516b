/** The head of a customer's queue: what is due, in order of rank, and what is due later, in order of time. */
import { and, asc, eq, gt, isNull, lte, or, sql } from "drizzle-orm";
import type { CustomerId } from "../../../schema/ids.ts";
import { workloads } from "../../../schema/tables/workloads.ts";
import type { QueueWindow } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { selectWorkloads, toWorkload } from "./workload-rows.ts";

type Rows = Parameters<typeof toWorkload>[0][];

/** As literals: a parameter would hide from Postgres that a partial index fits. */
export const isQueuedRow = sql`status in ('PENDING', 'REDISTRIBUTING')`;
const isRedistributing = eq(workloads.status, "REDISTRIBUTING");

/** One more than the window: whether there is more. */
export function selectReady(db: Database, customerId: CustomerId, windowMax: number, now: number) {
  const due = or(isRedistributing, isNull(workloads.dueAt), lte(workloads.dueAt, new Date(now)));
  return selectWorkloads(db, and(eq(workloads.customerId, customerId), isQueuedRow, due))
    .orderBy(asc(workloads.queueRank), asc(workloads.workloadId))
    .limit(windowMax + 1);
}

export function selectDelayed(db: Database, customerId: CustomerId, windowMax: number, now: number) {
  const later = and(sql`status = 'PENDING'`, gt(workloads.dueAt, new Date(now)));
  return selectWorkloads(db, and(eq(workloads.customerId, customerId), later))
    .orderBy(asc(workloads.dueAt), asc(workloads.workloadId))
    .limit(windowMax + 1);
}

export const selectHeld = (db: Database, customerId: CustomerId) =>
  selectWorkloads(db, and(eq(workloads.customerId, customerId), sql`status in ('SCHEDULED', 'RUNNING')`));

export const toWindow = (ready: Rows, delayed: Rows, windowMax: number): QueueWindow => ({
  ready: ready.slice(0, windowMax).map(toWorkload),
  delayed: delayed.slice(0, windowMax).map(toWorkload),
  readyMore: ready.length > windowMax,
  delayedMore: delayed.length > windowMax,
});

export async function readWindow(db: Database, customerId: CustomerId, max: number, now: number): Promise<QueueWindow> {
  const reads = db.batch([selectReady(db, customerId, max, now), selectDelayed(db, customerId, max, now)]);
  const [ready, delayed] = await attempt("reading the queue", reads);
  return toWindow(ready, delayed, max);
}
