/** Log lines: stored once, only under the generation that is current; read in order. */
import { and, asc, eq, gt, gte, inArray, lt, or, type SQL, sql } from "drizzle-orm";
import type { LogQuery } from "../../../schema/http/workload.ts";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import { type LogLevel, logLevels } from "../../../schema/status.ts";
import { workloadLogs } from "../../../schema/tables/records.ts";
import { decodeCursor, pageOf } from "../cursor.ts";
import { type LogPlace, logPlaceSchema } from "../list-query.ts";
import type { Lead, LogBatch, LogView, Page } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { jsonText, parseJson } from "./json-column.ts";
import { isLeader, leaderCte } from "./leader.ts";
import { jsonOf, unnested } from "./rows.ts";
import { isThere } from "./workload-rows.ts";

const types = {
  id: "text",
  generation: "int",
  line: "int",
  at: "timestamptz",
  level: "text",
  message: "text",
  details: "jsonb",
} as const;

export const insertLogs = (lead: Lead, batches: readonly LogBatch[]): SQL => sql`
  with ${leaderCte(lead)},
  stored as (
    insert into workload_logs (customer_id, workload_id, generation, line, logged_at, level, message, details)
    select w.customer_id, l.id, l.generation, l.line, l.at, l.level, l.message, l.details
    from ${unnested("l", types, batches.flatMap(lineRows))}
    cross join leader
    join workloads w on w.customer_id = ${lead.customerId}
      and w.workload_id = any(${sql.param([...new Set(batches.map(({ workloadId }) => workloadId))])}::text[])
      and w.workload_id = l.id and w.generation = l.generation
    on conflict do nothing)
  select ${isLeader}`;

const lineRows = ({ workloadId: id, generation, lines }: LogBatch) =>
  lines.map(({ line, timestamp: at, level, message, details }) => {
    return { id, generation, line, at, level, message, details: details === undefined ? null : jsonOf(details) };
  });

/** Null: no such workload. */
export async function readLogs(
  db: Database,
  customerId: CustomerId,
  id: WorkloadId,
  query: LogQuery,
): Promise<Page<LogView> | "bad_cursor" | null> {
  const after = decodeCursor<LogPlace>(logPlaceSchema, query.cursor);
  if (after === "bad_cursor") return "bad_cursor";
  const lines = db
    .select({
      loggedAt: workloadLogs.loggedAt,
      level: workloadLogs.level,
      message: workloadLogs.message,
      generation: workloadLogs.generation,
      line: workloadLogs.line,
      details: jsonText(workloadLogs.details),
    })
    .from(workloadLogs)
    .where(and(eq(workloadLogs.customerId, customerId), eq(workloadLogs.workloadId, id), ...filters(query, after)))
    .orderBy(asc(workloadLogs.generation), asc(workloadLogs.line))
    .limit(query.limit + 1);
  const [there, rows] = await attempt("reading log lines", db.batch([isThere(db, customerId, id), lines]));
  if (there.length === 0) return null;
  const page = pageOf(rows, query.limit, ({ generation, line }) => [generation, line]);
  return { ...page, items: page.items.map(toView) };
}

function filters({ since, until, level }: LogQuery, after: LogPlace | null): (SQL | undefined)[] {
  const { loggedAt, generation, line } = workloadLogs;
  return [
    since === undefined ? undefined : gte(loggedAt, new Date(since)),
    until === undefined ? undefined : lt(loggedAt, new Date(until)),
    level === undefined ? undefined : inArray(workloadLogs.level, logLevels.slice(logLevels.indexOf(level))),
    after === null ? undefined : or(gt(generation, after[0]), and(eq(generation, after[0]), gt(line, after[1]))),
  ];
}

interface LineRow extends Pick<LogView, "message" | "generation"> {
  readonly level: string;
  readonly loggedAt: Date;
  readonly details: string | null;
}

const toView = ({ loggedAt, level, message, generation, details }: LineRow): LogView => ({
  timestamp: loggedAt.toISOString(),
  level: level as LogLevel, // the table's check holds no other
  message,
  generation,
  details: parseJson(details),
});
