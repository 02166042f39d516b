/** Who the control plane is to Postgres, and what one request leaves to the next. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { neon } from "@neondatabase/serverless";
import { sql } from "drizzle-orm";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openDatabases } from "../../functions/store/postgres/database.ts";
import { createNeonGateway, gatewayBodyBytesMax } from "../../infra/local/neon-gateway.ts";
import { seedCustomer } from "../../infra/local/seed-customer.ts";
import { apiDatabaseUrl, migrate, openLogin } from "../../schema/migrate.ts";
import { startTestDatabase, type TestDatabase } from "../support/database.ts";
import { ids } from "../support/records.ts";

const databaseUrl = inject("databaseUrl");
const startBoundMs = 60_000;

describe("the control plane's role", () => {
  const api = new pg.Client({ connectionString: databaseUrl });
  beforeAll(() => api.connect());
  afterAll(() => api.end());

  test("is no superuser, owns nothing, looks past no policy, and is a member of the operator and the retention alone", async () => {
    const { rows } = await api.query(`
      select current_user as name, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
        (select count(*)::int from pg_class where relowner = r.oid) as owned,
        (select array_agg(m.roleid::regrole::text order by 1) from pg_auth_members m where m.member = r.oid) as member_of,
        pg_has_role(r.oid, 'niyanta_operator', 'usage') as inherits
      from pg_roles r where rolname = current_user`);
    expect(rows).toEqual([
      {
        name: "niyanta_api",
        rolsuper: false,
        rolbypassrls: false,
        rolcreaterole: false,
        rolcreatedb: false,
        rolreplication: false,
        owned: 0,
        member_of: ["niyanta_operator", "niyanta_retention"],
        inherits: false,
      },
    ]);
  });

  test.each(["niyanta_operator", "niyanta_retention"])("has %s, which cannot log in and owns nothing", async (role) => {
    const { rows } = await api.query(
      `select rolcanlogin, rolsuper, rolbypassrls, (select count(*)::int from pg_class where relowner = r.oid) as owned
      from pg_roles r where rolname = $1`,
      [role],
    );
    expect(rows).toEqual([{ rolcanlogin: false, rolsuper: false, rolbypassrls: false, owned: 0 }]);
  });

  test.each([
    "set role postgres",
    "set session authorization postgres",
    "alter table workloads disable row level security",
    "alter table workloads no force row level security",
    "drop policy own_rows on workloads",
    "create policy open on workloads using (true)",
    "alter role niyanta_api bypassrls",
    "create role another superuser",
    "create table here (n int)",
    "create function public.current_setting(text, boolean) returns text language sql return 'x'",
    "set session_replication_role = replica",
    "truncate audit_events",
    "update audit_events set actor_id = 'x'",
    "delete from workload_logs",
    "delete from workloads",
    "select from pg_authid",
    "copy workloads to program 'true'",
  ])("may not %s", async (statement) => {
    await expect(api.query(statement)).rejects.toMatchObject({ code: "42501" });
  });

  test("is refused, not shown more, when it turns row security off", async () => {
    await api.query("begin");
    await api.query("set local row_security = off");
    await expect(api.query("select from workloads")).rejects.toMatchObject({ code: "42501" });
    await api.query("rollback");
  });

  test("may, as the operator, change no customer's work", async () => {
    await api.query("begin");
    await api.query("set local role niyanta_operator");
    await expect(api.query("update workloads set status = status")).rejects.toMatchObject({ code: "42501" });
    await api.query("rollback");
    expect((await api.query("select current_user as name")).rows).toEqual([{ name: "niyanta_api" }]);
  });
});

describe("the retention's role", () => {
  const api = new pg.Client({ connectionString: databaseUrl });
  beforeAll(() => api.connect());
  afterAll(() => api.end());

  test.each([
    "select from api_keys",
    "select from workload_configs",
    "select from checkpoint_chunks",
    "select from coordinator_epochs",
    "update workloads set status = status",
    "delete from workloads_archive",
    "delete from customers",
    "insert into audit_events (event_type) values ('x')",
    "update audit_events set actor_id = 'x'",
  ])("may not %s", async (statement) => {
    await api.query("begin");
    await api.query("set local role niyanta_retention");
    await expect(api.query(statement)).rejects.toMatchObject({ code: "42501" });
    await api.query("rollback");
  });

  test("may not drop of the audit trail without saying that it is the retention", async () => {
    await api.query("begin");
    await api.query("set local role niyanta_retention");
    await expect(api.query("delete from audit_events")).rejects.toThrow("append-only");
    await api.query("rollback");
  });
});

describe("a request over the one connection of a gateway", () => {
  const gateway = createNeonGateway({
    databaseHost: new URL(databaseUrl).host,
    poolMax: 1,
    prepare: true,
    bodyBytesMax: gatewayBodyBytesMax,
  });
  const customerId = ids.customer();
  let databases: ReturnType<typeof openDatabases>;

  beforeAll(async () => {
    gateway.server.listen(0, "127.0.0.1");
    await once(gateway.server, "listening");
    const { port } = gateway.server.address() as AddressInfo;
    databases = openDatabases({ databaseUrl, fetchEndpoint: `http://127.0.0.1:${port}/sql`, clock: Date.now });
    await databases.asOperator().execute(sql`insert into customers (customer_id, name) values (${customerId}, '')`);
  });
  afterAll(() => gateway.close());

  const question = `select current_user as role, current_setting('niyanta.customer_id', true) as customer,
    (select count(*)::int from customers) as customers, pg_backend_pid() as pid`;
  const whoAsks = sql.raw(question);
  /** A request that names nobody. */
  const bare = () => neon(databaseUrl).query(question);
  const nobody = { role: "niyanta_api", customer: "", customers: 0 };

  test("names its customer, and leaves nothing of it to the next", async () => {
    const { rows } = await databases.asCustomer(customerId).execute(whoAsks);
    expect(rows).toMatchObject([{ role: "niyanta_api", customer: customerId, customers: 1 }]);
    expect(await bare()).toMatchObject([{ ...nobody, pid: rows[0]?.pid }]);
  });

  test("is the operator's, and leaves nothing of it to the next", async () => {
    const { rows } = await databases.asOperator().execute(whoAsks);
    expect(rows).toMatchObject([{ role: "niyanta_operator" }]);
    expect(rows[0]?.customers).toBeGreaterThan(0);
    expect(await bare()).toMatchObject([{ ...nobody, pid: rows[0]?.pid }]);
  });

  test("is the retention's, and leaves nothing of it to the next", async () => {
    const { rows } = await databases.asRetention().execute(whoAsks);
    expect(rows).toMatchObject([{ role: "niyanta_retention" }]);
    expect(await bare()).toMatchObject([{ ...nobody, pid: rows[0]?.pid }]);
    const settings =
      "select current_setting('niyanta.retention', true) as cuts, current_setting('enable_seqscan') as scans";
    expect(await neon(databaseUrl).query(settings)).toEqual([{ cuts: "", scans: "on" }]);
  });

  test("leaves nothing to the next when it is refused in the middle", async () => {
    const db = databases.asCustomer(customerId);
    await expect(db.batch([db.execute(whoAsks), db.execute(sql`select 1 / 0`), db.execute(whoAsks)])).rejects.toThrow(
      "division by zero",
    );
    expect(await bare()).toMatchObject([nobody]);
  });

  test("names its customer for every statement of a batch", async () => {
    const db = databases.asCustomer(customerId);
    const results = await db.batch([db.execute(whoAsks), db.execute(whoAsks)]);
    expect(results.map(({ rows }) => rows[0]?.customer)).toEqual([customerId, customerId]);
  });

  test("of many customers at once shows each its own", async () => {
    const customers = Array.from({ length: 20 }, () => ids.customer());
    const asked = await Promise.all(customers.map((id) => databases.asCustomer(id).execute(whoAsks)));
    expect(asked.map(({ rows }) => rows[0]?.customer)).toEqual(customers);
  });
});

describe("migrating", () => {
  let server: TestDatabase;
  beforeAll(async () => {
    server = await startTestDatabase();
  }, startBoundMs);
  afterAll(() => server.stop());

  const urlOf = (name: string, user: string | null = null) => {
    const url = new URL(server.url);
    url.pathname = name;
    if (user !== null) [url.username, url.password] = [user, user];
    return url.href;
  };
  async function asSuperuser(...statements: string[]): Promise<void> {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  }

  test("says what it lacks when its role may not make the roles", { timeout: startBoundMs }, async () => {
    await asSuperuser("create role plain login password 'plain'", "create database plain owner plain");
    const refused = await migrate(urlOf("plain", "plain")).catch((error: unknown) => error);
    expect(refused).toHaveProperty(
      "cause.message",
      expect.stringMatching(/^the role plain cannot make .* \(CREATEROLE\)$/),
    );
  });

  test("makes the roles once for several databases of a server at once", { timeout: startBoundMs }, async () => {
    const names = ["one", "two", "three", "four"];
    await asSuperuser(...names.map((name) => `create database ${name}`));
    await Promise.all(names.map((name) => migrate(urlOf(name))));
    await Promise.all(names.map((name) => openLogin(urlOf(name), "the same")));
    for (const name of names) {
      const client = new pg.Client({ connectionString: apiDatabaseUrl(urlOf(name), "the same") });
      await client.connect();
      expect((await client.query("select from workloads")).rowCount).toBe(0);
      await client.end();
    }
  });

  test("is enough for an owner who is no superuser to seed a customer", { timeout: startBoundMs }, async () => {
    const fresh = await startTestDatabase();
    const client = new pg.Client({ connectionString: fresh.url });
    await client.connect();
    await client.query("create role deployer login createrole password 'deployer'");
    await client.query("create database deployed owner deployer");
    await client.end();
    const url = new URL(fresh.url);
    [url.username, url.password, url.pathname] = ["deployer", "deployer", "deployed"];
    await migrate(url.href);
    await openLogin(url.href, "a & b/ü");
    const apiUrl = apiDatabaseUrl(url.href, "a & b/ü");
    const customer = { customerId: ids.customer(), key: "a key", name: "", tier: "free", overrides: {} } as const;
    await seedCustomer(apiUrl, { ...customer, scopes: [], workloadTypes: ["noop"] }, ids);
    const owner = new pg.Client({ connectionString: url.href });
    await owner.connect();
    expect((await owner.query("select from customers")).rowCount).toBe(0); // the owner is kept out too
    await owner.end();
    await fresh.stop();
  });
});
