/** What Postgres holds at the end: whether everything is done, and every audit trail whole and in order. */
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import type { DevFile } from "../../infra/local/dev-file.ts";

export interface Trail {
  readonly workloads: number;
  readonly completed: number;
  /** Workloads whose audit rows are not exactly those four, in that order. */
  readonly broken: number;
  readonly lastCompletedAt: number;
}

export interface Times {
  readonly createdAt: number;
  readonly scheduledAt: number;
  readonly startedAt: number;
  readonly completedAt: number;
}

const askAgainMs = 100;
const whole = "workload.created,workload.scheduled,workload.started,workload.completed";

/** In the words of the partial indexes, so that asking costs the database next to nothing while it is measured. */
const openQuery = ["'PENDING', 'REDISTRIBUTING'", "'SCHEDULED', 'RUNNING'", "'PAUSED'"]
  .map((statuses) => `exists (select from workloads where customer_id = $1 and status in (${statuses}))`)
  .join(" or ");
const doneQuery = `select count(*)::int as workloads, count(*) filter (where status = 'COMPLETED')::int as completed,
  extract(epoch from max(completed_at))::float8 * 1000 as last from workloads
  where customer_id = $1 and created_at >= to_timestamp($2::float8 / 1000)`;
const brokenQuery = `select count(*)::int as broken from workloads w left join lateral (
    select string_agg(event_type, ',' order by event_id) as events from audit_events a
    where a.customer_id = w.customer_id and a.workload_id = w.workload_id) a on true
  where customer_id = $1 and created_at >= to_timestamp($2::float8 / 1000) and events is distinct from $3`;
const timesQuery = `select workload_id as id, ${["created", "scheduled", "started", "completed"]
  .map((name) => `extract(epoch from ${name}_at)::float8 * 1000 as "${name}At"`)
  .join(", ")} from workloads where customer_id = $1 and workload_id = any($2::text[])`;

export interface Postgres extends AsyncDisposable {
  /** Resolves when no workload of the customer is open. */
  untilNoneOpen(signal: AbortSignal): Promise<void>;
  /** Of the workloads created since; milliseconds since the epoch. */
  trailSince(since: number): Promise<Trail>;
  timesOf(ids: readonly string[]): Promise<Map<string, Times>>;
}

export async function openPostgres({ database_url, customer_id }: DevFile): Promise<Postgres> {
  const client = new pg.Client({ connectionString: database_url });
  await client.connect();
  return {
    async untilNoneOpen(signal) {
      while ((await client.query(`select ${openQuery} as open`, [customer_id])).rows[0].open) {
        await delay(askAgainMs, undefined, { signal });
      }
    },
    async trailSince(since) {
      const done = (await client.query(doneQuery, [customer_id, Math.floor(since)])).rows[0];
      const { broken } = (await client.query(brokenQuery, [customer_id, Math.floor(since), whole])).rows[0];
      return { workloads: done.workloads, completed: done.completed, broken, lastCompletedAt: done.last };
    },
    async timesOf(ids) {
      const { rows } = await client.query(timesQuery, [customer_id, ids]);
      return new Map(rows.map(({ id, ...times }) => [id, times]));
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}

export function expectWhole(trail: Trail, count: number): Trail {
  const { workloads, completed, broken } = trail;
  if (workloads === count && completed === count && broken === 0) return trail;
  throw new Error(
    `of ${count} workloads ${workloads} are there, ${completed} completed, ${broken} with a broken trail`,
  );
}
