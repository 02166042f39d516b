/** What only Postgres can do or have done to it: fencing between sessions, broken connections, guards of its tables. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createPostgresStore } from "../../functions/store/postgres/postgres-store.ts";
import { type StateStore, StoreRejected, StoreUnavailable } from "../../functions/store/store.ts";
import { checkpointsKeptMax } from "../../schema/limits.ts";
import { migrate } from "../../schema/migrate.ts";
import {
  base64,
  completed,
  groupOf,
  ids,
  inlineCheckpoint,
  newSubmission,
  newWorkload,
  scheduledOn,
  stepTo,
  t0,
} from "../support/records.ts";
import { apply, eventTypes, found, newLead, putOne, putRunning, windowMax } from "./store/leading.ts";
import type { GiveStore } from "./store.suite.ts";

const ownerUrl = inject("ownerUrl");
const pool = new pg.Pool({ connectionString: ownerUrl, max: 4 });
const store: StateStore = createPostgresStore({
  databaseUrl: inject("databaseUrl"),
  clock: Date.now,
  fetchEndpoint: inject("fetchEndpoint"),
});
const sessions: pg.Client[] = [];

const give: GiveStore = () => ({
  store,
  async newCustomer() {
    const customerId = ids.customer();
    await pool.query("insert into customers (customer_id, name) values ($1, '')", [customerId]);
    return customerId;
  },
  addKey: () => Promise.reject(new Error("no test here needs a key")),
  stop: () => pool.end(),
});

/** A session with an open transaction. */
async function begin(): Promise<pg.Client> {
  const session = new pg.Client({ connectionString: ownerUrl });
  sessions.push(session);
  await session.connect();
  await session.query("begin");
  return session;
}

const countOf = async (query: string, values: unknown[] = []): Promise<number> =>
  (await pool.query(`select count(*)::int as n ${query}`, values)).rows[0].n;

/** Resolves with the pid of a statement that waits for a lock of this customer's row or epoch. */
async function waiting(customerId: string): Promise<number> {
  for (;;) {
    const { rows } = await pool.query(
      `select pid from pg_stat_activity where wait_event_type = 'Lock' and pid in (
         select pid from pg_locks where not granted) and cardinality(pg_blocking_pids(pid)) > 0
       and exists (select from coordinator_epochs where scope = $1)`,
      [`customer:${customerId}`],
    );
    if (rows.length > 0) return rows[0].pid;
  }
}

const lockRow = (session: pg.Client, workloadId: string) =>
  session.query("select from workloads where workload_id = $1 for update", [workloadId]);

let bare: { url: string; name: string };
beforeAll(async () => {
  const name = `bare_${Date.now()}`;
  await pool.query(`create database ${name}`);
  const url = new URL(ownerUrl);
  url.pathname = name;
  bare = { url: url.href, name };
});
afterAll(async () => {
  await Promise.all(sessions.map((session) => session.end().catch(() => undefined))); // one may be killed
  await pool.query(`drop database ${bare.name}`);
  await pool.end();
});

describe("fencing between sessions", () => {
  test("a new leader waits for a statement in flight, and sees what it wrote", async () => {
    const { lead } = await newLead(give);
    const workload = await putRunning(store, lead);
    const session = await begin();
    await lockRow(session, workload.workloadId);
    const inFlight = store.apply(lead, [completed(workload)], [], t0);
    await waiting(lead.customerId);
    const next = store.lead(lead.customerId, windowMax, t0);
    await session.query("commit");
    expect((await inFlight).kind).toBe("written");
    const state = await next;
    expect(state?.held).toEqual([]);
    expect((await found(store, lead, workload.workloadId))?.status).toBe("COMPLETED");
  });

  test("a statement that waited while the epoch was taken changes nothing", async () => {
    const { lead } = await newLead(give);
    const workload = await putRunning(store, lead);
    const session = await begin();
    await session.query("update coordinator_epochs set epoch = epoch + 1 where scope = $1", [
      `customer:${lead.customerId}`,
    ]);
    const late = newSubmission();
    const writes = [store.apply(lead, [completed(workload)], [], t0), store.insert(lead, [groupOf([late], "k")], t0)];
    await waiting(lead.customerId);
    await session.query("commit");
    for (const outcome of await Promise.all(writes)) expect(outcome).toEqual({ kind: "not_leader" });
    expect(await found(store, lead, workload.workloadId)).toEqual(workload);
    expect(await found(store, lead, late.workload.workloadId)).toBeUndefined();
    expect(await countOf("from idempotency_keys where customer_id = $1", [lead.customerId])).toBe(0);
  });

  test("leaders that begin at once get different epochs", async () => {
    const { lead } = await newLead(give);
    const begun = await Promise.all(Array.from({ length: 8 }, () => store.lead(lead.customerId, windowMax, t0)));
    const epochs = begun.map((state) => state?.lead.epoch);
    expect(epochs.toSorted()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("the same insert twice at once makes its workloads once", async () => {
    const { lead } = await newLead(give);
    const groups = [groupOf([newSubmission(), newSubmission()]), groupOf([newSubmission()], "k")];
    await Promise.all([store.insert(lead, groups, t0), store.insert(lead, groups, t0)]);
    expect(await countOf("from workloads where customer_id = $1", [lead.customerId])).toBe(3);
    expect(await countOf("from audit_events where customer_id = $1", [lead.customerId])).toBe(3);
  });
});

describe("what goes wrong", () => {
  test("a database that refuses connections is unavailable", async () => {
    const url = "postgresql://nobody:secret@unreachable.invalid/none";
    const gone = createPostgresStore({ databaseUrl: url, fetchEndpoint: "http://127.0.0.1:1/sql", clock: Date.now });
    await expect(gone.ping()).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(gone.lead(ids.customer(), 1, t0)).rejects.toBeInstanceOf(StoreUnavailable);
  });

  test("a connection that is cut during a statement is unavailable, and its change is not there", async () => {
    const { lead } = await newLead(give);
    const workload = await putRunning(store, lead);
    const session = await begin();
    await lockRow(session, workload.workloadId);
    const cut = store.apply(lead, [completed(workload)], [], t0);
    const pid = await waiting(lead.customerId);
    await Promise.all([
      expect(cut).rejects.toBeInstanceOf(StoreUnavailable),
      pool.query("select pg_terminate_backend($1)", [pid]),
    ]);
    await session.query("commit");
    expect(await found(store, lead, workload.workloadId)).toEqual(workload);
  });

  test("an error says what was tried, and neither the statement nor its data", async () => {
    const { lead } = await newLead(give);
    const bad = newSubmission(newWorkload({ status: "SCHEDULED" }), { input: "a secret" });
    const error = await store.insert(lead, [groupOf([bad])], t0).catch((refused: unknown) => refused);
    expect(error).toBeInstanceOf(StoreRejected);
    expect(String(error)).toBe("StoreRejected: inserting workloads: the database refused the data");
    expect(error).toHaveProperty("cause.code", "23514");
  });
});

describe("the tables", () => {
  test("hold one audit row for each change, none without one", async () => {
    const { lead } = await newLead(give);
    const workload = await putOne(store, lead);
    const placed = scheduledOn(workload);
    await apply(store, lead, [placed]);
    await apply(store, lead, [placed, completed({ ...placed.next, generation: 7 })]);
    await store.lead(lead.customerId, windowMax, t0);
    await store.apply(lead, [completed(placed.next)], [], t0);
    expect(await countOf("from audit_events where customer_id = $1", [lead.customerId])).toBe(2);
    expect(await eventTypes(store, lead, workload.workloadId)).toEqual(["workload.created", "workload.scheduled"]);
  });

  test("let nobody change the audit trail, but for the retention job", async () => {
    const { lead } = await newLead(give);
    await putOne(store, lead);
    const session = await begin();
    for (const change of [
      "update audit_events set actor_id = 'x'",
      "delete from audit_events",
      "truncate audit_events",
    ]) {
      await session.query("savepoint here");
      await expect(session.query(change)).rejects.toThrow("append-only");
      await session.query("rollback to here");
    }
    await session.query("select set_config('niyanta.retention', 'on', true)");
    const gone = await session.query("delete from audit_events where customer_id = $1", [lead.customerId]);
    expect(gone.rowCount).toBe(1);
    await session.query("rollback");
  });

  test("keep the chunks of the last ten checkpoints and of what is on its way, and no others", async () => {
    const { lead } = await newLead(give);
    let workload = await putRunning(store, lead);
    const chunk = (sequence: number, index: number) => ({
      customer_id: lead.customerId,
      workload_id: workload.workloadId,
      worker_id: workload.workerId ?? ids.worker(),
      generation: workload.generation,
      sequence,
      index,
      data: base64(new Uint8Array(3)),
    });
    const last = checkpointsKeptMax + 4;
    await store.putChunk(lead, chunk(2, 1));
    await store.putChunk(lead, chunk(last + 1, 0));
    for (let sequence = 3; sequence <= last; sequence += 1) {
      const checkpoints = [await inlineCheckpoint(sequence)];
      const change = stepTo(workload, "RUNNING", { checkpointSequence: sequence }, { checkpoints });
      await apply(store, lead, [change]);
      workload = change.next;
    }
    const { rows } = await pool.query(
      "select sequence from checkpoint_chunks where workload_id = $1 order by sequence",
      [workload.workloadId],
    );
    expect(rows.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 11 }, (_, index) => index + 5));
    expect(await countOf("from checkpoints where workload_id = $1", [workload.workloadId])).toBe(checkpointsKeptMax);
  });

  test("hold the bytes of a checkpoint once, however often a workload is repeated from it", async () => {
    const { lead } = await newLead(give);
    const running = await putRunning(store, lead);
    const ended = { workerId: null, completedAt: t0, checkpointSequence: 1 };
    await apply(store, lead, [stepTo(running, "FAILED", ended, { checkpoints: [await inlineCheckpoint(1)] })]);
    const origin = { workloadId: running.workloadId, checkpointSequence: 1 };
    const repeated = Array.from({ length: 3 }, () => newSubmission({ checkpointSequence: 1 }, { origin }));
    await store.insert(lead, [groupOf(repeated)], t0);
    expect(await countOf("from checkpoints where customer_id = $1", [lead.customerId])).toBe(4);
    expect(await countOf("from checkpoint_chunks where customer_id = $1", [lead.customerId])).toBe(1);
    const gone = pool.query("delete from workloads where workload_id = $1", [running.workloadId]);
    await expect(gone).rejects.toThrow("checkpoints_chunks_of");
  });

  test("hold the last word on a worker, with every audit event about it", async () => {
    const name = ids.message().replace("_", "-");
    const epoch = await store.leadPool(name);
    const worker = {
      workerId: ids.worker(),
      pool: name,
      capabilities: ["noop"],
      slots: 2,
      tags: { a: "b" },
      version: "1",
    };
    await store.putWorkers(
      name,
      epoch,
      [
        { worker: { ...worker, status: "HEALTHY" }, event: "worker.registered", details: {} },
        { worker: { ...worker, status: "DRAINING" }, event: null, details: {} },
        { worker: { ...worker, status: "DEAD" }, event: "worker.marked_dead", details: { why: "lease" } },
      ],
      t0,
    );
    const { rows } = await pool.query("select * from workers where worker_id = $1", [worker.workerId]);
    expect(rows).toMatchObject([{ pool: name, status: "DEAD", capabilities: ["noop"], slots: 2, tags: { a: "b" } }]);
    const events = await pool.query(
      "select event_type, details from audit_events where worker_id = $1 order by event_id",
      [worker.workerId],
    );
    expect(events.rows).toEqual([
      { event_type: "worker.registered", details: {} },
      { event_type: "worker.marked_dead", details: { why: "lease" } },
    ]);
  });

  test("are made once when two migrations run at once", async () => {
    await Promise.all([migrate(bare.url), migrate(bare.url)]);
    await migrate(bare.url);
    const client = new pg.Client({ connectionString: bare.url });
    await client.connect();
    const applied = await client.query(
      "select count(*)::int as n, count(distinct hash)::int as different from drizzle.__drizzle_migrations",
    );
    await client.end();
    expect(applied.rows[0].n).toBe(applied.rows[0].different);
    expect(applied.rows[0].n).toBeGreaterThan(2);
  });
});
