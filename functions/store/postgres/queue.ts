/** The head of a customer's queue: what is due, line by line in order of rank, and what is due later, in order of time. */
import { and, asc, eq, gt, type SQL, sql } from "drizzle-orm";
import type { CustomerId } from "../../../schema/ids.ts";
import { workloads } from "../../../schema/tables/workloads.ts";
import type { LineName } from "../../domain/queue-line.ts";
import { cutLine, cutWindow, type Heads } from "../queue-window.ts";
import type { QueueLine, QueueWindow } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { namedIds, windowIds } from "./queue-lines.ts";
import { type DecisionRow, decisionColumns, selectWorkloads, toWorkload } from "./workload-rows.ts";

interface ReadyRow extends DecisionRow {
  readonly queueLine: string;
}

/** The rows of a line stand together, in order. */
const selectHeads = (db: Database, customerId: CustomerId, ids: SQL) =>
  db
    .select({ ...decisionColumns, queueLine: workloads.queueLine })
    .from(workloads)
    .where(and(eq(workloads.customerId, customerId), sql`${workloads.workloadId} = any(array(${ids}))`))
    .orderBy(asc(workloads.queueLine), asc(workloads.queueRank), asc(workloads.workloadId));

export const selectReady = (
  db: Database,
  customerId: CustomerId,
  windowMax: number,
  now: number,
  page: LineName | null = null,
) => selectHeads(db, customerId, windowIds(customerId, windowMax, now, page));

/** One more than the window: whether there is more. */
export function selectDelayed(db: Database, customerId: CustomerId, windowMax: number, now: number) {
  const later = and(sql`status = 'PENDING'`, gt(workloads.dueAt, new Date(now)));
  return selectWorkloads(db, and(eq(workloads.customerId, customerId), later))
    .orderBy(asc(workloads.dueAt), asc(workloads.workloadId))
    .limit(windowMax + 1);
}

export const selectHeld = (db: Database, customerId: CustomerId) =>
  selectWorkloads(db, and(eq(workloads.customerId, customerId), sql`status in ('SCHEDULED', 'RUNNING')`));

const headsOf = (rows: readonly ReadyRow[]): Heads =>
  Array.from(Map.groupBy(rows, ({ queueLine }) => queueLine).values(), (line) => line.map(toWorkload));

export const toWindow = (
  ready: readonly ReadyRow[],
  delayed: readonly DecisionRow[],
  windowMax: number,
  page: LineName | null = null,
): QueueWindow => cutWindow(headsOf(ready), delayed.map(toWorkload), windowMax, page);

export async function readWindow(
  db: Database,
  customerId: CustomerId,
  max: number,
  now: number,
  page: LineName | null = null,
): Promise<QueueWindow> {
  const reads = db.batch([selectReady(db, customerId, max, now, page), selectDelayed(db, customerId, max, now)]);
  const [ready, delayed] = await attempt("reading the queue", reads);
  return toWindow(ready, delayed, max, page);
}

export async function readLines(
  db: Database,
  customerId: CustomerId,
  names: readonly LineName[],
  room: number,
  now: number,
): Promise<readonly QueueLine[]> {
  const select = selectHeads(db, customerId, namedIds(customerId, names, room, now));
  const rows = await attempt("reading lines of the queue", select);
  return headsOf(rows).map((ready) => cutLine(ready, room));
}
