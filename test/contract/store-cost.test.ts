/** A change costs what is changed, however much else the customer has and whatever Postgres knows of it. */
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Workload } from "../../functions/domain/workload.ts";
import { createPostgresStore } from "../../functions/store/postgres/postgres-store.ts";
import type { Lead, StateStore } from "../../functions/store/store.ts";
import type { ListQuery } from "../../schema/http/workload.ts";
import { groupCommitRowsMax } from "../../schema/limits.ts";
import { startTestPostgres, type TestPostgres } from "../support/postgres.ts";
import { completed, ids, newSubmission, newWorkload, scheduledOn, stepTo, t0 } from "../support/records.ts";
import { apply, newLead, put } from "./store/leading.ts";

const batches = 5;
const changed = 100;
const shown = 20;
const endMsMax = 30_000;
/** The least urgent ones of a burst. */
const failed = 2 * shown;

let server: TestPostgres;
let client: pg.Client;
let store: StateStore;
let lead: Lead;
const submissions = Array.from({ length: batches * groupCommitRowsMax }, () => newSubmission());
const last = newSubmission();

beforeAll(async () => {
  server = await startTestPostgres();
  client = new pg.Client({ connectionString: server.ownerUrl });
  await client.connect();
  // As in a burst that autovacuum has not looked at yet: a plan must not depend on its help.
  await client.query("alter table workloads set (autovacuum_enabled = false)");
  store = createPostgresStore(server);
  ({ lead } = await newLead(() => ({ store, newCustomer, addKey, stop: () => server.stop() })));
  for (let batch = 0; batch < batches; batch += 1) {
    const from = batch * groupCommitRowsMax;
    await put(store, lead, ...submissions.slice(from, from + groupCommitRowsMax));
  }
  await put(store, lead, last);
});

afterAll(async () => {
  await client.end();
  await server.stop();
});

async function newCustomer() {
  const customerId = ids.customer();
  await client.query("insert into customers (customer_id, name) values ($1, '')", [customerId]);
  return customerId;
}

const failedOf = (workload: Workload) => stepTo(workload, "FAILED", { workerId: null, completedAt: t0 });

const addKey = () => Promise.reject(new Error("no test here needs a key"));

/** Of the table so far; a backend tells its counts when it ends, or long after. */
async function counted(updates: number): Promise<{ fetched: number; updates: number }> {
  await client.query(
    `select pg_terminate_backend(pid, ${endMsMax}) from pg_stat_activity
     where pid <> pg_backend_pid() and usename is not null and datname = current_database()`,
  );
  // What the gateway answers to the second question it has read after it has read that its connections are gone.
  for (let question = 0; question < 2; question += 1) await fetch(new URL("/stats", server.fetchEndpoint));
  for (;;) {
    const { rows } = await client.query(
      "select idx_tup_fetch + seq_tup_read as fetched, n_tup_upd as upd from pg_stat_user_tables where relname = 'workloads'",
    );
    if (Number(rows[0].upd) >= updates) return { fetched: Number(rows[0].fetched), updates: Number(rows[0].upd) };
  }
}

test("changes to a few of many workloads read those few", async () => {
  const few = submissions.slice(0, changed).map(({ workload }) => scheduledOn(workload));
  const before = await counted(0);
  await apply(store, lead, few);
  const { fetched } = await counted(before.updates + changed);
  expect(fetched - before.fetched).toBeLessThan(3 * changed);
});

test("a page of the list and a line of the queue read no more than they show", async () => {
  const { pool, workloadType, affinity } = newWorkload();
  await client.query("analyze workloads");
  const before = await counted(0);
  const first = await store.list(lead.customerId, { limit: changed, order_by: "created_at" });
  if (first === "bad_cursor" || first.nextCursor === null) throw new Error("there is no second page");
  await store.list(lead.customerId, { limit: changed, order_by: "created_at", cursor: first.nextCursor });
  const lines = await store.lines(lead.customerId, [{ pool, workloadType, affinity }], changed, t0);
  expect(lines.map(({ ready }) => ready.length)).toEqual([changed]);
  await apply(store, lead, [scheduledOn(last.workload)]); // an update, so that the count of it can be waited for
  const { fetched } = await counted(before.updates + 1);
  expect(fetched - before.fetched).toBeLessThan(10 * changed);
});

const pagesOfWhatIsOver: readonly Partial<ListQuery>[] = [
  { order_by: "created_at" },
  { order_by: "created_at", status: ["COMPLETED"] },
  { order_by: "created_at", label: ["all"] },
  { order_by: "priority", status: ["COMPLETED"] },
  { order_by: "priority", status: ["FAILED"] },
];

test.each(["that Postgres has looked at", "that it has not"])(
  "pages of what is over cost what they show, after a burst %s",
  async (when) => {
    const { lead: other } = await newLead(() => ({ store, newCustomer, addKey, stop: () => server.stop() }));
    const burst = Array.from({ length: groupCommitRowsMax }, (_, at) =>
      newSubmission({ priority: at }, { labels: { all: "" } }),
    );
    const { updates } = await counted(0);
    await put(store, other, ...burst);
    await client.query("analyze workloads");
    const steps = burst.map(({ workload }) => scheduledOn(workload));
    await apply(store, other, steps);
    const ends = steps.slice(1).map(({ next }, at) => (at < failed ? failedOf(next) : completed(next)));
    await apply(store, other, ends);
    if (when === "that Postgres has looked at") await client.query("analyze workloads");
    const before = await counted(updates + steps.length + ends.length);
    for (const query of pagesOfWhatIsOver) {
      const page = await store.list(other.customerId, { limit: shown, order_by: "created_at", ...query });
      expect(page).toMatchObject({ hasMore: true });
    }
    await apply(
      store,
      other,
      steps.slice(0, 1).map(({ next }) => completed(next)),
    );
    const { fetched } = await counted(before.updates + 1);
    expect(fetched - before.fetched).toBeLessThan(4 * pagesOfWhatIsOver.length * shown);
  },
);
