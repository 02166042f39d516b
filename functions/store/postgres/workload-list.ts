/** Pages of a customer's workloads, newest or most urgent first. */
import { and, count, desc, eq, gte, lt, or, type SQL } from "drizzle-orm";
import type { ListQuery, WorkloadView } from "../../../schema/http/workload.ts";
import type { CustomerId } from "../../../schema/ids.ts";
import { workloads } from "../../../schema/tables/workloads.ts";
import { decodeCursor, encodeCursor } from "../cursor.ts";
import { type ListPlace, listPlaceSchemas, placeOf } from "../list-query.ts";
import type { Page } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { hasLabel, inStatus } from "./selection.ts";
import { selectViews, type ViewRow, viewOf } from "./workload-views.ts";

export async function listWorkloads(
  db: Database,
  customerId: CustomerId,
  query: ListQuery,
): Promise<Page<WorkloadView> | "bad_cursor"> {
  const after = decodeCursor<ListPlace>(listPlaceSchemas[query.order_by], query.cursor);
  if (after === "bad_cursor") return "bad_cursor";
  const filter = and(eq(workloads.customerId, customerId), ...filters(query));
  const page = selectPage(db, and(filter, after === null ? undefined : below(after)), query);
  if (query.count !== "true") return toPage(customerId, query, await attempt("listing workloads", page));
  const totals = db.select({ total: count() }).from(workloads).where(filter);
  const [rows, [found]] = await attempt("listing workloads", db.batch([page, totals]));
  return { ...toPage(customerId, query, rows), total: found?.total ?? 0 };
}

/** One more than the page: whether there is more. */
const selectPage = (db: Database, where: SQL | undefined, query: ListQuery) =>
  selectViews(db, where)
    .orderBy(...(query.order_by === "priority" ? [desc(workloads.priority)] : []), desc(workloads.workloadId))
    .limit(query.limit + 1)
    .offset(query.cursor === undefined ? (query.offset ?? 0) : 0);

/** An id is a time: a smaller one is older. */
function below(place: ListPlace): SQL | undefined {
  const older = lt(workloads.workloadId, place[place.length - 1]?.toString() ?? "");
  if (place[0] === "created_at") return older;
  return or(lt(workloads.priority, place[1]), and(eq(workloads.priority, place[1]), older));
}

function filters(query: ListQuery): (SQL | undefined)[] {
  const { created_after: after, created_before: before } = query;
  return [
    query.status === undefined ? undefined : inStatus(query.status),
    query.workload_type === undefined ? undefined : eq(workloads.workloadType, query.workload_type),
    after === undefined ? undefined : gte(workloads.createdAt, new Date(after)),
    before === undefined ? undefined : lt(workloads.createdAt, new Date(before)),
    ...(query.label ?? []).map(hasLabel),
  ];
}

function toPage(customerId: CustomerId, query: ListQuery, rows: readonly ViewRow[]): Page<WorkloadView> {
  const items = rows.slice(0, query.limit).map((row) => viewOf(customerId, row));
  const last = items.at(-1);
  const hasMore = rows.length > query.limit;
  return { items, hasMore, nextCursor: hasMore && last ? encodeCursor(placeOf(query, last)) : null };
}
