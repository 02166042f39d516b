/** What became of a customer's workloads, counted where they are. */
import { type SQL, sql } from "drizzle-orm";
import type { Bucket, Counts } from "../../../../schema/http/statistics.ts";
import { type CustomerId, workloadIdsFrom } from "../../../../schema/ids.ts";
import type { StatisticsRange } from "../../../domain/statistics.ts";
import type { Database } from "../database.ts";
import { attempt } from "../failure.ts";
import { isoTime } from "../rows.ts";

interface CountRow extends Record<string, unknown>, Counts {
  /** Milliseconds since the epoch, as text or number; null where the groups are types. */
  readonly start: number | string | null;
  readonly type: string | null;
}

/** An id is made a moment before its workload, and on a clock that went back a while after: wider than either. */
const idSlackMs = 60_000;

export async function countWorkloads(db: Database, customerId: CustomerId, range: StatisticsRange): Promise<Bucket[]> {
  const statement = sql`
    select ${groupOf(range)}, ${counts}
    from (${counted(customerId, range, sql`workloads`)} union all ${counted(customerId, range, sql`workloads_archive`)}) w
    group by 1, 2 order by 1, 2`;
  const { rows } = await attempt("counting workloads", db.execute<CountRow>(statement));
  return rows.map(toBucket);
}

/** What is archived counts as long as anybody asks for its day. */
const counted = (customerId: CustomerId, range: StatisticsRange, table: SQL): SQL => sql`
  select workload_type, status, created_at, run_at, started_at, completed_at, retry_count, generation
  from ${table}
  where customer_id = ${customerId}
    and workload_id >= ${workloadIdsFrom(range.from - idSlackMs)}
    and workload_id < ${workloadIdsFrom(range.to + idSlackMs)}
    and created_at >= ${isoTime(range.from)}::timestamptz and created_at < ${isoTime(range.to)}::timestamptz`;

function groupOf({ by }: StatisticsRange): SQL {
  if (by === "type") return sql`null::bigint as start, workload_type as type`;
  const start = sql`date_trunc(${sql.raw(`'${by}'`)}, created_at, 'UTC')`;
  return sql`(extract(epoch from ${start}) * 1000)::bigint as start, null::text as type`;
}

const seconds = (span: SQL): SQL => sql`extract(epoch from ${span})::float8`;
const rounded = (value: SQL): SQL => sql`round((${value})::numeric, 3)::float8`;
const average = (span: SQL, of: SQL): SQL => rounded(sql`avg(${seconds(span)}) filter (where ${of})`);
const p95 = (span: SQL, of: SQL): SQL =>
  rounded(sql`percentile_cont(0.95) within group (order by ${seconds(span)}) filter (where ${of})`);

const duration = sql`(completed_at - created_at)`;
const isCompleted = sql`status = 'COMPLETED'`;
/** The start that a row holds is its last attempt's: with one attempt only, it is the first. */
const wait = sql`greatest(started_at - greatest(created_at, run_at), interval '0')`;
const hasOneAttempt = sql`started_at is not null and generation = 1`;

const counts = sql`
  count(*)::int as submitted,
  (count(*) filter (where ${isCompleted}))::int as completed,
  (count(*) filter (where status = 'FAILED'))::int as failed,
  (count(*) filter (where status = 'CANCELLED'))::int as cancelled,
  (count(*) filter (where completed_at is null))::int as still_open,
  coalesce(sum(retry_count), 0)::int as retries,
  ${average(duration, isCompleted)} as average_duration_seconds,
  ${p95(duration, isCompleted)} as p95_duration_seconds,
  ${average(wait, hasOneAttempt)} as average_wait_seconds,
  ${p95(wait, hasOneAttempt)} as p95_wait_seconds`;

const toBucket = ({ start, type, ...counted }: CountRow): Bucket => ({
  start: start === null ? null : new Date(Number(start)).toISOString(),
  workload_type: type,
  submitted: counted.submitted,
  completed: counted.completed,
  failed: counted.failed,
  cancelled: counted.cancelled,
  still_open: counted.still_open,
  retries: counted.retries,
  average_duration_seconds: counted.average_duration_seconds,
  p95_duration_seconds: counted.p95_duration_seconds,
  average_wait_seconds: counted.average_wait_seconds,
  p95_wait_seconds: counted.p95_wait_seconds,
});
