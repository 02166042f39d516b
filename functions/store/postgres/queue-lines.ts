/** Which workloads are the heads of the lines of a queue: their ids, by probes of one index, a line after the other. */
import { type SQL, sql } from "drizzle-orm";
import type { CustomerId } from "../../../schema/ids.ts";
import { queueLineOf } from "../../../schema/tables/workloads.ts";
import { type LineName, lastingLines, windowLinesMax } from "../../domain/queue-line.ts";
import { isoTime, jsonOrNull, recordset } from "./rows.ts";

/** As literals: a parameter would hide from Postgres that a partial index fits. */
export const isQueuedRow = sql`status in ('PENDING', 'REDISTRIBUTING')`;

export const isReadyRow = (customerId: CustomerId, now: number): SQL => sql`
  customer_id = ${customerId} and ${isQueuedRow}
  and (due_at is null or due_at <= ${isoTime(now)}::timestamptz or status = 'REDISTRIBUTING')`;

/** One more than the window has room for: of each line, and a line. */
export function windowIds(customerId: CustomerId, windowMax: number, now: number, page: LineName | null): SQL {
  const isReady = isReadyRow(customerId, now);
  const heads = (which: SQL) => sql`
    select head.workload_id from line cross join lateral (${headOf(isReady, sql`line.queue_line`, roomOf(which, windowMax))})
    head where ${which}`;
  return sql`
    with recursive line as (${linesFrom(isReady, windowMax, page)})
    ${heads(sql`line.queue_line < '1'`)} union all ${heads(sql`line.queue_line >= '1'`)}`;
}

/** The line behind the line before, again and again; where the lines that are in every window end, it jumps to the page. */
function linesFrom(isReady: SQL, windowMax: number, page: LineName | null): SQL {
  const jump = page === null ? sql`line.queue_line` : sql`greatest(line.queue_line, ${lineOf(page)})`;
  const before = sql`case when line.n = ${lastingLines(windowMax)} then ${jump} else line.queue_line end`;
  const next = (where: SQL) => sql`select queue_line from workloads where ${where} order by queue_line limit 1`;
  return sql`
    select first.queue_line, 1 as n from (${next(isReady)}) first
    union all
    select next.queue_line, line.n + 1
    from line cross join lateral (${next(sql`${isReady} and queue_line > ${before}`)}) next
    where line.n <= ${windowLinesMax(windowMax)}`;
}

const headOf = (isReady: SQL, line: SQL, limit: SQL): SQL => sql`
  select workload_id from workloads where ${isReady} and queue_line = ${line}
  order by queue_rank, workload_id limit ${limit} + 1`;

/** `lineRoom` of the domain. */
const roomOf = (which: SQL, windowMax: number): SQL => sql`(
  select greatest(${windowMax}::int / greatest(count(*), 1), 1) from line
  where n <= ${windowLinesMax(windowMax)} and ${which})`;

export const lineOf = ({ pool, workloadType, affinity }: LineName): SQL =>
  queueLineOf(sql`${pool}::text`, sql`${workloadType}::text`, sql`${jsonOrNull(affinity)}::jsonb`);

/**
 * One more than `room` of each. The lines are worked out before the rows are looked for: under row-level security an index
 * serves only what is compared with a finished value.
 */
export function namedIds(customerId: CustomerId, names: readonly LineName[], room: number, now: number): SQL {
  const asked = names.map(({ pool, workloadType, affinity }) => ({ pool, workload_type: workloadType, affinity }));
  const line = queueLineOf(sql`name.pool`, sql`name.workload_type`, sql`name.affinity`);
  return sql`
    with line as materialized (
      select ${line} as queue_line
      from ${recordset(asked, sql`name(pool text, workload_type text, affinity jsonb)`)})
    select head.workload_id
    from line cross join lateral (${headOf(isReadyRow(customerId, now), sql`line.queue_line`, sql`${room}::bigint`)}) head`;
}
