/** What is too old leaves the tables, of every customer, and nothing else does; on a database of its own. */
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Kept } from "../../functions/domain/retention.ts";
import type { Workload } from "../../functions/domain/workload.ts";
import { createPostgresStore } from "../../functions/store/postgres/postgres-store.ts";
import { createPostgresRetention } from "../../functions/store/postgres/retention.ts";
import type { RetentionStore } from "../../functions/store/retention-store.ts";
import type { Lead, StateStore } from "../../functions/store/store.ts";
import { createIdSource, secureRandom } from "../../schema/ids.ts";
import { archiveBatchRows, retentionBatchRows } from "../../schema/limits.ts";
import { startTestPostgres, type TestPostgres } from "../support/postgres.ts";
import { completed, ids, inlineCheckpoint, newSubmission, newWorkload, stepTo, t0 } from "../support/records.ts";
import { apply, eventTypes, newLead, put, putOne, putRunning } from "./store/leading.ts";

/** When `apply` writes, and a moment later. */
const [end, after] = [t0 + 5_000, t0 + 5_001];
const day = 86_400_000;
/** Statistics believe what an id says of its time. */
const idsThen = createIdSource(() => t0, secureRandom);

let server: TestPostgres;
let client: pg.Client;
let store: StateStore;
let retention: RetentionStore;
let lead: Lead;

beforeAll(async () => {
  server = await startTestPostgres();
  client = new pg.Client({ connectionString: server.ownerUrl });
  await client.connect();
  store = createPostgresStore(server);
  retention = createPostgresRetention(server);
});
afterAll(async () => {
  await client.end();
  await server.stop();
});
beforeEach(async () => {
  await client.query("select set_config('niyanta.retention', 'on', false)");
  for (const table of [
    "workloads",
    "workloads_archive",
    "audit_events",
    "workload_logs",
    "idempotency_keys",
    "workers",
  ])
    await client.query(`delete from ${table}`);
  lead = await aLead();
});

async function aLead(): Promise<Lead> {
  const addKey = () => Promise.reject(new Error("no test here needs a key"));
  return (await newLead(() => ({ store, newCustomer, addKey, stop: () => server.stop() }))).lead;
}

async function newCustomer() {
  const customerId = ids.customer();
  await client.query("insert into customers (customer_id, name) values ($1, '')", [customerId]);
  return customerId;
}

const dropped = (kind: Kept, before: number) => retention.dropSome({ kind, before }, t0 + day);
const countOf = async (table: string): Promise<number> =>
  (await client.query(`select count(*)::int as n from ${table}`)).rows[0].n;

async function putCompleted(by: Lead): Promise<Workload> {
  const running = await putRunning(store, by, newSubmission(newWorkload({ workloadId: idsThen.workload() })));
  const change = completed(running, { checkpoints: [await inlineCheckpoint(1)] });
  await apply(store, by, [{ ...change, next: { ...change.next, completedAt: end, checkpointSequence: 1 } }]);
  return { ...change.next, completedAt: end, checkpointSequence: 1 };
}

describe("a workload that was over for long", () => {
  test("moves to the archive, where everybody who knows its id still reads all of it", async () => {
    const { customerId } = lead;
    const { workloadId } = await putCompleted(lead);
    const look = async () => ({
      view: await store.workload(customerId, workloadId),
      attempts: await store.attempts(customerId, workloadId, { limit: 10 }),
      events: await eventTypes(store, lead, workloadId),
      logs: await store.logs(customerId, workloadId, { limit: 10 }),
      days: await store.statistics(customerId, { from: t0 - day, to: t0 + day, by: "day" }),
    });
    const before = await look();
    expect(before).toMatchObject({
      view: { status: "COMPLETED" },
      attempts: { items: [{ outcome: "completed" }] },
      days: [{ completed: 1 }],
    });
    expect(await dropped("workloads", after)).toEqual({ rows: 1, isMore: false });
    expect(await look()).toEqual(before);
    expect(await store.find(customerId, [workloadId])).toEqual([]);
    expect(await store.workload(ids.customer(), workloadId)).toBeNull();
    expect(await store.checkpoints(customerId, workloadId)).toEqual([]);
    expect([await countOf("checkpoints"), await countOf("checkpoint_chunks")]).toEqual([0, 0]);
    const { rows } = await client.query("select archived_at from workloads_archive");
    expect(rows).toEqual([{ archived_at: new Date(t0 + day) }]);
  });

  test("stays as long as it is not too old, and what is open stays however old it is", async () => {
    await putCompleted(lead);
    await putRunning(store, lead);
    await putOne(store, lead);
    expect(await dropped("workloads", end)).toEqual({ rows: 0, isMore: false });
    expect(await dropped("workloads", after)).toEqual({ rows: 1, isMore: false });
    expect(await dropped("workloads", t0 + 1_000 * day)).toEqual({ rows: 0, isMore: false });
    expect(await countOf("workloads")).toBe(2);
  });

  test("waits for another one that may go on from its checkpoint", async () => {
    const { workloadId } = await putCompleted(lead);
    const retry = await putOne(store, lead);
    const chunksOf = "update checkpoints set workload_id = $1, chunks_of = $2 where workload_id = $2";
    await client.query(chunksOf, [retry.workloadId, workloadId]);
    expect(await dropped("workloads", after)).toEqual({ rows: 0, isMore: false });
    await apply(store, lead, [stepTo(retry, "CANCELLED", { completedAt: end })]);
    expect(await dropped("workloads", after)).toEqual({ rows: 1, isMore: false });
    expect(await dropped("workloads", after)).toEqual({ rows: 1, isMore: false });
  });

  test("goes with those of other customers, so many at a time", async () => {
    const leads = [lead, await aLead()];
    const each = archiveBatchRows / 2 + 1;
    for (const by of leads) {
      const submissions = Array.from({ length: each }, () => newSubmission());
      const workloads = await put(store, by, ...submissions);
      const cancelled = workloads.map((workload) => stepTo(workload, "CANCELLED", { completedAt: end }));
      await apply(store, by, cancelled);
    }
    expect(await dropped("workloads", after)).toEqual({ rows: archiveBatchRows, isMore: true });
    expect(await dropped("workloads", after)).toEqual({ rows: 2, isMore: false });
    expect([await countOf("workloads"), await countOf("workloads_archive")]).toEqual([0, 2 * each]);
  });
});

describe("what is dropped", () => {
  const time = new Date(t0).toISOString();
  const insertions: { readonly [K in Exclude<Kept, "workloads">]: { table: string; row: string } } = {
    audit: {
      table: "audit_events (customer_id, workload_id, event_type, actor_type, actor_id, created_at)",
      row: "'c' || n, 'wl_1', 'workload.created', 'user', 'test', $1",
    },
    logs: {
      table: "workload_logs (customer_id, workload_id, generation, line, logged_at, level, message)",
      row: "'c' || n, 'wl_1', 1, n, $1, 'info', 'a line'",
    },
    idempotency_keys: {
      table: "idempotency_keys (customer_id, idempotency_key, body_sha256, created_at)",
      row: "'c' || n, 'k' || n, 'hash', $1",
    },
    workers: {
      table: "workers (worker_id, pool, status, capabilities, slots, registered_at, updated_at)",
      row: "'wkr_' || n, 'default', case n % 3 when 0 then 'DEAD' when 1 then 'REMOVED' else 'HEALTHY' end, '{}', 1, $1, $1",
    },
  };
  const insert = async (kind: keyof typeof insertions, count: number) => {
    const { table, row } = insertions[kind];
    await client.query(`insert into ${table} select ${row} from generate_series(1, ${count}) n`, [time]);
    return table.split(" ")[0] ?? "";
  };

  test.each(["audit", "logs", "idempotency_keys"] as const)("of %s: what is older, in batches", async (kind) => {
    const table = await insert(kind, retentionBatchRows + 1);
    expect(await dropped(kind, t0)).toEqual({ rows: 0, isMore: false });
    expect(await dropped(kind, t0 + 1)).toEqual({ rows: retentionBatchRows, isMore: true });
    expect(await dropped(kind, t0 + 1)).toEqual({ rows: 1, isMore: false });
    expect(await countOf(table)).toBe(0);
  });

  test("of workers: those that are gone for long, and none that is there", async () => {
    await insert("workers", 9);
    expect(await dropped("workers", t0)).toEqual({ rows: 0, isMore: false });
    expect(await dropped("workers", t0 + 1)).toEqual({ rows: 6, isMore: false });
    const { rows } = await client.query("select distinct status from workers");
    expect(rows).toEqual([{ status: "HEALTHY" }]);
  });

  test("is found by an index, whatever Postgres knows of the table", async () => {
    await insert("audit", 1);
    await client.query("begin");
    await client.query("set local role niyanta_retention");
    await client.query("set local enable_seqscan = off");
    for (const [table, column] of [
      ["audit_events", "created_at"],
      ["workload_logs", "logged_at"],
      ["idempotency_keys", "created_at"],
    ]) {
      const { rows } = await client.query(`explain select ctid from ${table} where ${column} < now() limit 5000`);
      expect(JSON.stringify(rows)).not.toContain("Seq Scan");
    }
    await client.query("rollback");
  });
});
