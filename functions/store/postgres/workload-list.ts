/** Pages of a customer's workloads, newest or most urgent first. */
import { and, count, desc, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import type { ListQuery, WorkloadView } from "../../../schema/http/workload.ts";
import type { CustomerId } from "../../../schema/ids.ts";
import { isTerminal, workloadStatuses } from "../../../schema/status.ts";
import { workloads } from "../../../schema/tables/workloads.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { type ListPlace, listPlaceSchemas, placeOf } from "../list-query.ts";
import type { Page } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { groupsOf, hasLabel, indexed, inPriority, inStatus, oneOf } from "./selection.ts";
import { selectViews, type ViewRow, viewOf } from "./workload-views.ts";

/** To know whether there is more. */
const moreThanThePage = 1;

export async function listWorkloads(
  db: Database,
  customerId: CustomerId,
  query: ListQuery,
): Promise<Page<WorkloadView> | "bad_cursor"> {
  const after = decodeCursor<ListPlace>(listPlaceSchemas[query.order_by], query.cursor);
  if (after === "bad_cursor") return "bad_cursor";
  const filter = and(eq(workloads.customerId, customerId), ...filters(query));
  const page = selectPage(db, customerId, and(filter, after === null ? undefined : below(after)), query);
  if (query.count !== "true") {
    const [, , rows] = await attempt("listing workloads", db.batch([...plan(db, query), page]));
    return toPage(customerId, query, rows);
  }
  const totals = db
    .select({ total: count() })
    .from(workloads)
    .where(and(filter, inStatus(query.status)));
  const [, , rows, [found]] = await attempt("listing workloads", db.batch([...plan(db, query), page, totals]));
  return { ...toPage(customerId, query, rows), total: found?.total ?? 0 };
}

/**
 * Where an index has the order of most that fits, it is walked to the end of the page, whatever Postgres believes about the
 * rows: of a burst that it has not looked at yet it believes that few are COMPLETED, and sorts them all (measured: 90 ms
 * against 6 ms). Before version 18 a sort that cannot be avoided looks so dear then that it would be compiled.
 */
function plan(db: Database, { order_by, status: statuses }: ListQuery) {
  const hasOrder =
    statuses === undefined ||
    (order_by === "priority" ? statuses.includes("COMPLETED") : statuses.every((status) => isTerminal(status)));
  const sort = db.execute(sql`set local enable_sort = ${sql.raw(hasOrder ? "off" : "on")}`);
  return [sort, db.execute(sql`set local jit = off`)] as const;
}

/**
 * Which workloads are on the page comes first, by what orders them alone; all that is shown is then read of those, and put
 * in order here. Of each part the first ones are found by an index in this very order, and what no index orders is what is
 * open.
 */
function selectPage(db: Database, customerId: CustomerId, where: SQL | undefined, query: ListQuery) {
  const orders = [...(query.order_by === "priority" ? [desc(workloads.priority)] : []), desc(workloads.workloadId)];
  const offset = query.cursor === undefined ? (query.offset ?? 0) : 0;
  const end = offset + query.limit + moreThanThePage;
  const parts = partsOf(query).map((part) =>
    db
      .select({ priority: workloads.priority, id: workloads.workloadId })
      .from(workloads)
      .where(and(where, part))
      .orderBy(...orders)
      .limit(end),
  );
  const order = sql.raw(query.order_by === "priority" ? "priority desc, workload_id desc" : "workload_id desc");
  // As an array: under a policy no index serves a comparison with the rows of another select.
  const ids = sql`array(
    select workload_id from (${sql.join(
      parts.map((part) => sql`(${part})`),
      sql` union all `,
    )}) part
    order by ${order} limit ${end - offset} offset ${offset})`;
  const isOnPage = and(eq(workloads.customerId, customerId), sql`${workloads.workloadId} = any(${ids})`);
  return selectViews(db, isOnPage);
}

/** By the indexes that hold them; undefined: all there are. */
function partsOf({ order_by, status }: ListQuery): (SQL | undefined)[] {
  if (order_by === "created_at" && status === undefined) return [undefined];
  return groupsOf(status ?? workloadStatuses, order_by === "priority" ? inPriority : indexed).map(oneOf);
}

/** An id is a time: a smaller one is older. */
const below = (place: ListPlace): SQL =>
  place[0] === "created_at"
    ? lt(workloads.workloadId, place[1])
    : sql`(${workloads.priority}, ${workloads.workloadId}) < (${place[1]}, ${place[2]})`;

function filters(query: ListQuery): (SQL | undefined)[] {
  const { created_after: after, created_before: before } = query;
  return [
    query.workload_type === undefined ? undefined : eq(workloads.workloadType, query.workload_type),
    after === undefined ? undefined : gte(workloads.createdAt, new Date(after)),
    before === undefined ? undefined : lt(workloads.createdAt, new Date(before)),
    ...(query.label ?? []).map(hasLabel),
  ];
}

const byAge = (a: ViewRow, b: ViewRow): number => (a.workloadId < b.workloadId ? 1 : -1);
const byPriority = (a: ViewRow, b: ViewRow): number => b.priority - a.priority || byAge(a, b);

function toPage(customerId: CustomerId, query: ListQuery, rows: readonly ViewRow[]): Page<WorkloadView> {
  const inOrder = rows.toSorted(query.order_by === "priority" ? byPriority : byAge);
  const items = inOrder.slice(0, query.limit).map((row) => viewOf(customerId, row));
  const last = items.at(-1);
  const hasMore = rows.length > query.limit;
  return { items, hasMore, nextCursor: hasMore && last ? encodeCursor(placeOf(query, last)) : null };
}
