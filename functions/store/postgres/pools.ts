/** What a pool's scheduler asks and writes: its epoch, who has work, and its workers' rows. */
import { sql } from "drizzle-orm";
import type { Pool } from "../../../schema/affinity.ts";
import type { CustomerId, WorkerId } from "../../../schema/ids.ts";
import type { PoolStore, Written } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { isLeader, type LeaderRow, leaderOf, notLeader, poolScope, written } from "./leader.ts";
import { isoTime, onlyRow, recordset } from "./rows.ts";

type WorkerChange = Parameters<PoolStore["putWorkers"]>[2][number];

export async function takePoolEpoch(db: Database, pool: Pool): Promise<number> {
  const statement = sql`
    insert into coordinator_epochs as e (scope, epoch) values (${poolScope(pool)}, 1)
    on conflict (scope) do update set epoch = e.epoch + 1, taken_at = excluded.taken_at
    returning epoch`;
  const result = await attempt("taking the lead of a pool", db.execute<{ epoch: number | string }>(statement));
  return Number(onlyRow(result).epoch);
}

/** One probe a customer and partial index, whatever stands in the table. */
export async function customersWithWork(db: Database, pool: Pool): Promise<readonly CustomerId[]> {
  const work = sql`select from workloads w where w.customer_id = c.customer_id and w.pool = ${pool} and w.status`;
  const statement = sql`
    select c.customer_id as "customerId" from customers c
    where exists (${work} in ('PENDING', 'REDISTRIBUTING'))
      or exists (${work} in ('SCHEDULED', 'RUNNING'))
      or exists (${work} = 'PAUSED')`;
  const { rows } = await attempt("reading who has work", db.execute<{ customerId: CustomerId }>(statement));
  return rows.map(({ customerId }) => customerId);
}

export async function knownCustomers(db: Database, ids: readonly CustomerId[]): Promise<readonly CustomerId[]> {
  const statement = sql`
    select customer_id as "customerId" from customers where customer_id = any(${sql.param(ids)}::text[])`;
  const { rows } = await attempt("asking which customers exist", db.execute<{ customerId: CustomerId }>(statement));
  return rows.map(({ customerId }) => customerId);
}

const workerColumns = sql`c(
  id text, status text, capabilities text[], slots int, tags jsonb, version text)`;
const eventColumns = sql`a(n int, id text, event text, details jsonb)`;

export async function putWorkers(
  db: Database,
  pool: Pool,
  epoch: number,
  changes: readonly WorkerChange[],
  now: number,
): Promise<Written<null>> {
  const at = sql`${isoTime(now)}::timestamptz`;
  const statement = sql`
    with ${leaderOf(poolScope(pool), epoch)},
    put as (
      insert into workers as w (
        worker_id, pool, status, capabilities, slots, tags, version, registered_at, updated_at)
      select id, ${pool}, status, capabilities, slots, tags, version, ${at}, ${at}
      from ${recordset(workerRows(changes), workerColumns)}, leader
      on conflict (worker_id) do update set
        pool = excluded.pool, status = excluded.status, capabilities = excluded.capabilities, slots = excluded.slots,
        tags = excluded.tags, version = excluded.version, updated_at = excluded.updated_at
      returning worker_id),
    audited as (
      insert into audit_events (worker_id, event_type, actor_type, actor_id, details, created_at)
      select a.id, a.event, 'coordinator', ${poolScope(pool)}, coalesce(a.details, 'null'), ${at}
      from ${recordset(eventRows(changes), eventColumns)} join put on put.worker_id = a.id
      order by a.n)
    select ${isLeader}`;
  const row = onlyRow(await attempt("writing workers", db.execute<LeaderRow>(statement)));
  return row.leader ? written(null) : notLeader;
}

/** The last word on each worker: one statement writes a row once at most. */
function workerRows(changes: readonly WorkerChange[]): object[] {
  const last = new Map<WorkerId, object>();
  for (const { worker } of changes) {
    const { workerId: id, status, capabilities, slots, tags, version } = worker;
    last.set(id, { id, status, capabilities, slots, tags, version });
  }
  return [...last.values()];
}

const eventRows = (changes: readonly WorkerChange[]) =>
  changes.flatMap(({ worker: { workerId: id }, event, details }, n) =>
    event === null ? [] : [{ n, id, event, details }],
  );
