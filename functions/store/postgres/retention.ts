/** Keeps the tables small: what is too old is archived or dropped, a batch a statement. */
import { getTableColumns, type SQL, sql } from "drizzle-orm";
import { workloadIdsFrom } from "../../../schema/ids.ts";
import { archiveBatchRows, retentionBatchRows } from "../../../schema/limits.ts";
import { terminalStatuses } from "../../../schema/status.ts";
import { workloads } from "../../../schema/tables/workloads.ts";
import { workloadsArchive } from "../../../schema/tables/workloads-archive.ts";
import type { Kept } from "../../domain/retention.ts";
import type { RetentionStore } from "../retention-store.ts";
import { type DatabaseOptions, openDatabases } from "./database.ts";
import { attempt } from "./failure.ts";
import { isoTime, onlyRow } from "./rows.ts";
import { oneOf } from "./selection.ts";

interface Plan {
  readonly rowsMax: number;
  readonly statement: (before: number, now: number) => SQL;
}

/** A row that changes meanwhile moves away from its place, and stays. */
const dropping = (table: SQL, isOld: (time: SQL) => SQL): Plan => ({
  rowsMax: retentionBatchRows,
  statement: (before) => sql`
    with gone as (
      delete from ${table} where ctid = any(array(
        select ctid from ${table} where ${isOld(timeOf(before))} limit ${retentionBatchRows}))
      returning 1)
    select count(*)::int as rows from gone`,
});

const timeOf = (at: number): SQL => sql`${isoTime(at)}::timestamptz`;
const isCreatedBefore = (time: SQL): SQL => sql`created_at < ${time}`;

/** An id is made a moment before its workload, and on a clock that went back a while after: wider than either. */
const idSlackMs = 60_000;
/** What an archived workload keeps of itself: all that a client reads. */
const kept = Object.values(getTableColumns(workloadsArchive)).filter(({ name }) => name !== "archived_at");
const columns = sql.raw(kept.map(({ name }) => name).join(", "));

/**
 * The oldest of each customer, along its primary key: ids rise with time, so what is younger is not looked at. Checkpoints
 * go with their workload; one whose checkpoint another one may go on from waits for that one.
 */
const archiving = (before: number, now: number): SQL => sql`
  with old as materialized (
    select w.customer_id, w.workload_id from customers c cross join lateral (
      select customer_id, workload_id from ${workloads} w
      where w.customer_id = c.customer_id and w.workload_id < ${workloadIdsFrom(before + idSlackMs)}
        and ${oneOf(terminalStatuses)} and w.completed_at < ${timeOf(before)}
        and not exists (
          select from checkpoints k where k.customer_id = w.customer_id and k.chunks_of = w.workload_id
            and k.workload_id <> w.workload_id)
      order by w.workload_id limit ${archiveBatchRows}) w
    limit ${archiveBatchRows}),
  gone as (
    delete from ${workloads} w using old o
    where w.customer_id = o.customer_id and w.workload_id = o.workload_id
    returning w.*),
  archived as (
    insert into workloads_archive (${columns}, archived_at)
    select ${columns}, ${timeOf(now)} from gone
    returning 1)
  select count(*)::int as rows from archived`;

const plans: { readonly [K in Kept]: Plan } = {
  idempotency_keys: dropping(sql`idempotency_keys`, isCreatedBefore),
  logs: dropping(sql`workload_logs`, (time) => sql`logged_at < ${time}`),
  workers: dropping(sql`workers`, (time) => sql`status in ('DEAD', 'REMOVED') and updated_at < ${time}`),
  workloads: { rowsMax: archiveBatchRows, statement: archiving },
  audit: dropping(sql`audit_events`, isCreatedBefore),
};

export function createPostgresRetention(options: DatabaseOptions): RetentionStore {
  const db = openDatabases(options).asRetention();
  return {
    async dropSome({ kind, before }, now) {
      const { rowsMax, statement } = plans[kind];
      const request = db.execute<{ rows: number }>(statement(before, now));
      const { rows } = onlyRow(await attempt(`dropping old ${kind}`, request));
      return { rows, isMore: rows === rowsMax };
    },
  };
}
