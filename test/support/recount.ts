/** What limits and counters must agree with, counted again in Postgres: slots held at every moment, what was accepted when. */
import pg from "pg";
import type { CustomerId } from "../../schema/ids.ts";

async function read<Row extends pg.QueryResultRow>(databaseUrl: string, text: string, values: unknown[]) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

const usageOf = `select count(*) filter (where status in ('SCHEDULED', 'RUNNING'))::int as running,
  count(*) filter (where status in ('PENDING', 'REDISTRIBUTING'))::int as queued
  from workloads where customer_id = $1`;

export async function recountUsage(databaseUrl: string, customerId: CustomerId) {
  const [row] = await read<{ running: number; queued: number }>(databaseUrl, usageOf, [customerId]);
  return row;
}

const acceptedOf = `select workload_id as id, (extract(epoch from created_at) * 1000)::float8 as at
  from workloads where customer_id = $1 order by created_at, workload_id`;

export interface Accepted {
  readonly id: string;
  /** Milliseconds. */
  readonly at: number;
}

export const readAccepted = (databaseUrl: string, customerId: CustomerId): Promise<Accepted[]> =>
  read<Accepted>(databaseUrl, acceptedOf, [customerId]);

/** One sentence for each window, from one accepted workload to another, in which there were too many (I22). */
export function overruns(accepted: readonly Accepted[], perSecond: number, atOnceMax: number): string[] {
  return accepted.flatMap((from, first) =>
    accepted.slice(first).flatMap((to, more) => {
      const ms = to.at - from.at;
      const allowed = (perSecond * ms) / 1_000 + atOnceMax;
      return more + 1 <= allowed
        ? []
        : [`${more + 1} within ${ms} ms from ${from.id} to ${to.id}: not over ${allowed}`];
    }),
  );
}

const changesOf = `select workload_id as id, event_type as type, details ->> 'worker_id' as worker
  from audit_events where customer_id = $1 and workload_id is not null order by event_id`;

interface ChangeRow {
  readonly id: string;
  readonly type: string;
  readonly worker: string | null;
}

/** Whatever held a slot before holds none after one of these. */
const freeing = new Set(
  ["completed", "failed", "cancelled", "paused", "moved", "redistributed", "handed_back", "retry_scheduled"].map(
    (name) => `workload.${name}`,
  ),
);

/** The most slots that were held at one moment. */
export interface Peaks {
  readonly all: number;
  readonly workers: ReadonlyMap<string, number>;
}

/** The audit trail of a customer, replayed in the order of its events. */
export async function readPeaks(databaseUrl: string, customerId: CustomerId): Promise<Peaks> {
  const holders = new Map<string, string>();
  const workers = new Map<string, number>();
  let all = 0;
  for (const { id, type, worker } of await read<ChangeRow>(databaseUrl, changesOf, [customerId])) {
    if (freeing.has(type)) holders.delete(id);
    if (type !== "workload.scheduled") continue;
    if (worker === null) throw new Error(`${id} was scheduled to nobody`);
    holders.set(id, worker);
    all = Math.max(all, holders.size);
    const held = [...holders.values()].filter((other) => other === worker).length;
    workers.set(worker, Math.max(workers.get(worker) ?? 0, held));
  }
  return { all, workers };
}

const tablesOf = `select table_name as name from information_schema.tables where table_schema = 'public'`;

/** How many rows each table has. */
export async function countRows(databaseUrl: string): Promise<Readonly<Record<string, number>>> {
  const tables = await read<{ name: string }>(databaseUrl, tablesOf, []);
  const counts = tables.map(({ name }) => `select '${name}' as name, count(*)::int as rows from "${name}"`);
  const rows = await read<{ name: string; rows: number }>(databaseUrl, counts.join(" union all "), []);
  return Object.fromEntries(rows.map(({ name, rows: count }) => [name, count]));
}

/** What came to be between two counts; tables where nothing did are left out. */
export const grown = (
  before: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(after)
      .map(([name, rows]) => [name, rows - (before[name] ?? 0)] as const)
      .filter(([, more]) => more !== 0),
  );
