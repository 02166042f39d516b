/** What clients read from memory. */
import type { AttemptQuery, AttemptView } from "../../../schema/http/attempt.ts";
import type { AuditQuery, ListQuery, LogQuery, WorkloadView } from "../../../schema/http/workload.ts";
import type { CustomerId } from "../../../schema/ids.ts";
import { logLevels } from "../../../schema/status.ts";
import { attemptsOf } from "../../domain/attempts.ts";
import { decodeCursor, pageOf } from "../cursor.ts";
import {
  attemptPlaceSchema,
  auditPlaceSchema,
  type ListPlace,
  type LogPlace,
  listPlaceSchemas,
  logPlaceSchema,
  placeOf,
} from "../list-query.ts";
import type { AuditView, LogView, Page } from "../store.ts";
import { toView } from "../workload-view.ts";
import type { LogRow, WorkloadRow } from "./rows.ts";
import { hasLabel } from "./selection.ts";

export const viewOf = (customerId: CustomerId, row: WorkloadRow): WorkloadView =>
  toView({
    ...row.workload,
    ...row,
    customerId,
    timeoutSeconds: row.workload.policy.timeoutSeconds,
    pendingAction: row.workload.intent?.kind ?? null,
  });

export function listRows(
  customerId: CustomerId,
  rows: readonly WorkloadRow[],
  query: ListQuery,
): Page<WorkloadView> | "bad_cursor" {
  const after = decodeCursor<ListPlace>(listPlaceSchemas[query.order_by], query.cursor);
  if (after === "bad_cursor") return "bad_cursor";
  const found = rows.map((row) => viewOf(customerId, row)).filter((view) => matches(view, query));
  const ordered = found.sort((a, b) => byPlace(placeOf(query, a), placeOf(query, b)));
  const rest = ordered.filter((view) => after === null || byPlace(placeOf(query, view), after) > 0);
  const page = pageOf(rest.slice(query.cursor === undefined ? (query.offset ?? 0) : 0), query.limit, (view) =>
    placeOf(query, view),
  );
  return query.count === "true" ? { ...page, total: found.length } : page;
}

function matches(view: WorkloadView, query: ListQuery): boolean {
  const created = Date.parse(view.created_at);
  return (
    (query.status === undefined || query.status.includes(view.status)) &&
    (query.workload_type === undefined || view.workload_type === query.workload_type) &&
    (query.created_after === undefined || created >= Date.parse(query.created_after)) &&
    (query.created_before === undefined || created < Date.parse(query.created_before)) &&
    (query.label ?? []).every((label) => hasLabel(view.labels, label))
  );
}

/** Descending in every part. */
function byPlace(a: ListPlace, b: ListPlace): number {
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other !== undefined && part !== other) return part < other ? 1 : -1;
  }
  return 0;
}

export function listLogs(row: WorkloadRow, query: LogQuery): Page<LogView> | "bad_cursor" {
  const after = decodeCursor<LogPlace>(logPlaceSchema, query.cursor);
  if (after === "bad_cursor") return "bad_cursor";
  const [generation, line] = after ?? [0, 0];
  const found = [...row.logs.values()]
    .filter((log) => log.generation > generation || (log.generation === generation && log.line > line))
    .filter((log) => isAsked(log, query))
    .sort((a, b) => a.generation - b.generation || a.line - b.line);
  const page = pageOf(found, query.limit, (log) => [log.generation, log.line]);
  return { ...page, items: page.items.map(({ line: _, at: __, ...view }) => view) };
}

const isAsked = ({ at, level }: LogRow, query: LogQuery): boolean =>
  (query.since === undefined || at >= Date.parse(query.since)) &&
  (query.until === undefined || at < Date.parse(query.until)) &&
  (query.level === undefined || rankOf(level) >= rankOf(query.level));
const ranks: readonly string[] = logLevels;
const rankOf = (level: string): number => ranks.indexOf(level);

export function listAudit({ workload, audit }: WorkloadRow, query: AuditQuery): Page<AuditView> | "bad_cursor" {
  const { workloadId: id } = workload;
  const after = decodeCursor(auditPlaceSchema(id), query.cursor);
  if (after === "bad_cursor") return "bad_cursor";
  const rest = audit.filter(({ event_id }) => after === null || Number(event_id) > after[2]);
  return pageOf(rest, query.limit, ({ event_id }) => ["audit", id, Number(event_id)]);
}

export function listAttempts({ workload, audit }: WorkloadRow, query: AttemptQuery): Page<AttemptView> | "bad_cursor" {
  const { workloadId: id } = workload;
  const after = decodeCursor(attemptPlaceSchema(id), query.cursor);
  if (after === "bad_cursor") return "bad_cursor";
  const rest = attemptsOf(audit).filter(({ generation }) => after === null || generation > after[2]);
  return pageOf(rest, query.limit, ({ generation }) => ["attempts", id, generation]);
}
