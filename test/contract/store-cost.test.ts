/** A change costs what is changed, however much else the customer has and whatever Postgres knows of it. */
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createPostgresStore } from "../../functions/store/postgres/postgres-store.ts";
import { groupCommitRowsMax } from "../../schema/limits.ts";
import { startTestPostgres, type TestPostgres } from "../support/postgres.ts";
import { groupOf, ids, newSubmission, scheduledOn, t0 } from "../support/records.ts";
import { apply, newLead } from "./store/leading.ts";

const batches = 5;
const changed = 100;

let server: TestPostgres;
let client: pg.Client;

beforeAll(async () => {
  server = await startTestPostgres();
  client = new pg.Client({ connectionString: server.databaseUrl });
  await client.connect();
  // As in a burst that autovacuum has not looked at yet: a plan must not depend on its help.
  await client.query("alter table workloads set (autovacuum_enabled = false)");
});

afterAll(async () => {
  await client.end();
  await server.stop();
});

/** Of the table so far; a backend tells its counts when it ends, or long after. */
async function counted(updates: number): Promise<{ fetched: number }> {
  await client.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename is not null and datname = current_database()",
  );
  for (;;) {
    const { rows } = await client.query(
      "select idx_tup_fetch + seq_tup_read as fetched, n_tup_upd as upd from pg_stat_user_tables where relname = 'workloads'",
    );
    if (Number(rows[0].upd) >= updates) return { fetched: Number(rows[0].fetched) };
  }
}

test("changes to a few of many workloads read those few", async () => {
  const store = createPostgresStore(server);
  const { lead } = await newLead(() => ({
    store,
    async newCustomer() {
      const customerId = ids.customer();
      await client.query("insert into customers (customer_id, name) values ($1, '')", [customerId]);
      return customerId;
    },
    addKey: () => Promise.reject(new Error("no test here needs a key")),
    stop: () => server.stop(),
  }));
  const submissions = Array.from({ length: batches * groupCommitRowsMax }, () => newSubmission());
  for (let batch = 0; batch < batches; batch += 1) {
    const from = batch * groupCommitRowsMax;
    await store.insert(lead, [groupOf(submissions.slice(from, from + groupCommitRowsMax))], t0);
  }
  const few = submissions.slice(0, changed).map(({ workload }) => scheduledOn(workload));
  await apply(store, lead, few);
  const { fetched } = await counted(changed);
  expect(fetched).toBeLessThan(3 * changed);
});
