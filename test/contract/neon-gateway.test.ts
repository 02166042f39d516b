/** The local Neon endpoint against the driver of production and a real Postgres. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { NeonDbError, neon, neonConfig } from "@neondatabase/serverless";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNeonGateway, type NeonGateway } from "../../infra/local/neon-gateway.ts";
import { startTestDatabase, type TestDatabase } from "../support/database.ts";

const mib = 1024 * 1024;
const startBoundMs = 60_000;

describe.each([
  { prepare: false, manner: "planning every statement" },
  { prepare: true, manner: "keeping plans" },
])("the gateway, $manner", ({ prepare }) => {
  let database: TestDatabase;
  let gateway: NeonGateway;
  let endpoint: string;

  beforeAll(async () => {
    database = await startTestDatabase();
    const databaseHost = new URL(database.url).host;
    gateway = createNeonGateway({ databaseHost, poolMax: 4, prepare, bodyBytesMax: 8 * mib });
    gateway.server.listen(0, "127.0.0.1");
    await once(gateway.server, "listening");
    endpoint = `http://127.0.0.1:${(gateway.server.address() as AddressInfo).port}`;
    neonConfig.fetchEndpoint = `${endpoint}/sql`;
  }, startBoundMs);

  afterAll(async () => {
    await gateway?.close();
    await database?.stop();
  }, startBoundMs);

  const sql = () => neon(database.url, { disableWarningInBrowsers: true });

  const refusalOf = (query: Promise<unknown>): Promise<NeonDbError> =>
    query.then(
      () => expect.fail("the query was not refused"),
      (error: unknown) => (error instanceof NeonDbError ? error : expect.fail(String(error))),
    );

  describe("a single query", () => {
    it("answers rows with the types that the driver parses", async () => {
      const [row] = await sql()`select ${7}::int as n, true as yes, null as nothing, '{"a":[1]}'::jsonb as json,
      array['x','y'] as list, 9007199254740993::bigint as big, ${"ü😀"}::text as text`;
      expect(row).toEqual({
        n: 7,
        yes: true,
        nothing: null,
        json: { a: [1] },
        list: ["x", "y"],
        big: "9007199254740993",
        text: "ü😀",
      });
    });

    it("tells command, row count and fields when full results are asked for", async () => {
      const result = await sql().query("select g as n from generate_series(1, 3) g", [], { fullResults: true });
      expect(result).toMatchObject({ command: "SELECT", rowCount: 3, rows: [{ n: 1 }, { n: 2 }, { n: 3 }] });
      expect(result.fields.map((field) => field.name)).toEqual(["n"]);
    });

    it("carries arrays of a thousand rows in one parameter", async () => {
      const ids = Array.from({ length: 1_000 }, (_, index) => `id-${index}`);
      const rows = await sql().query("select count(*)::int as n from unnest($1::text[]) as t", [ids]);
      expect(rows).toEqual([{ n: 1_000 }]);
    });

    it("carries bytes both ways", async () => {
      const [row] = await sql().query("select $1::bytea as b", [Buffer.from([0, 1, 254, 255])]);
      expect(row?.b).toEqual(Buffer.from([0, 1, 254, 255]));
    });

    it("refuses a wrong statement with the code and the position that Postgres gave", async () => {
      const refusal = await refusalOf(sql().query("select 1 from nowhere"));
      expect(refusal).toMatchObject({ code: "42P01", severity: "ERROR", position: "15" });
    });

    it("names the constraint that a row breaks", async () => {
      await sql()`create table once (id int constraint once_key primary key)`;
      await sql()`insert into once values (1)`;
      const refusal = await refusalOf(sql().query("insert into once values (1)"));
      expect(refusal).toMatchObject({ code: "23505", constraint: "once_key", table: "once" });
    });
  });

  describe("a batch", () => {
    it("answers every query's rows, in order", async () => {
      const client = sql();
      expect(await client.transaction([client`select 1 as a`, client`select 2 as b`])).toEqual([
        [{ a: 1 }],
        [{ b: 2 }],
      ]);
    });

    it("keeps nothing of a batch whose last query is refused", async () => {
      const client = sql();
      await client`create table whole (n int not null)`;
      const batch = client.transaction([client`insert into whole values (1)`, client`insert into whole values (null)`]);
      expect(await refusalOf(batch)).toMatchObject({ code: "23502" });
      expect(await client`select count(*)::int as n from whole`).toEqual([{ n: 0 }]);
    });

    it("does nothing behind a query that is refused, says why, and uses the connection again", async () => {
      const client = sql();
      await client`create table behind (n int)`;
      const backends = await Promise.all(Array.from({ length: 8 }, () => client`select pg_backend_pid() as pid`));
      for (let n = 0; n < backends.length; n += 1) {
        const batch = client.transaction([
          client`insert into behind values (1)`,
          client`select 1 / ${n - n}::int`,
          client`insert into behind values (2)`,
        ]);
        expect(await refusalOf(batch)).toMatchObject({ code: "22012" });
      }
      expect(await client`select count(*)::int as n from behind`).toEqual([{ n: 0 }]);
      const [row] = await client`select pg_backend_pid() as pid`;
      expect(backends.flat()).toContainEqual(row);
    });

    it("is refused when only its end is: by a constraint that is looked at then", async () => {
      const client = sql();
      await client`create table late (n int unique deferrable initially deferred)`;
      const insert = () => client`insert into late values (1)`;
      expect(await refusalOf(client.transaction([insert(), insert()]))).toMatchObject({ code: "23505" });
      expect(await client`select count(*)::int as n from late`).toEqual([{ n: 0 }]);
      expect(await client.transaction([insert()])).toEqual([[]]);
    });

    it("runs with the isolation that was asked for, and read only", async () => {
      const client = sql();
      const options = { isolationLevel: "Serializable", readOnly: true } as const;
      const settings = [client`show transaction_isolation`, client`show transaction_read_only`];
      expect(await client.transaction(settings, options)).toEqual([
        [{ transaction_isolation: "serializable" }],
        [{ transaction_read_only: "on" }],
      ]);
    });
  });

  describe("the endpoint", () => {
    const post = (body: string, headers: Record<string, string> = {}) =>
      fetch(`${endpoint}/sql`, {
        method: "POST",
        body,
        headers: { "Neon-Connection-String": database.url, ...headers },
      });

    it("counts the queries that were sent", async () => {
      const count = async () => ((await (await fetch(`${endpoint}/stats`)).json()) as { queries: number }).queries;
      const before = await count();
      const client = sql();
      await client.transaction([client`select 1`, client`select 2`]);
      expect((await count()) - before).toBe(2);
    });

    it("answers objects to a client that does not ask for arrays", async () => {
      const reply = await post('{"query":"select 1 as n"}');
      expect(await reply.json()).toMatchObject({ rows: [{ n: 1 }], rowAsArray: false });
    });

    it.each([
      ["", "no body"],
      ["{}", "no query"],
      ["not json", "no JSON"],
    ])("refuses %j (%s) with 400", async (body) => {
      const reply = await post(body);
      expect(reply.status).toBe(400);
      expect(await reply.json()).toHaveProperty("message");
    });

    it("refuses to talk to another database server", async () => {
      const reply = await post('{"query":"select 1"}', { "Neon-Connection-String": "postgresql://a:b@127.0.0.1:1/c" });
      expect(reply.status).toBe(400);
    });

    it("takes a body of several megabytes, and refuses one over its limit", async () => {
      const large = "x".repeat(6 * mib);
      expect(await sql().query("select length($1)::int as n", [large])).toEqual([{ n: large.length }]);
      expect((await post("x".repeat(8 * mib + 1))).status).toBe(413);
    });

    it("serves more requests at once than it has connections", async () => {
      const client = sql();
      const rows = await Promise.all(Array.from({ length: 50 }, (_, n) => client`select ${n}::int as n`));
      expect(rows.map(([row]) => row?.n)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    });
  });

  describe("a database that is lost", () => {
    it("is reported with 503, and used again when it is back", { timeout: startBoundMs }, async () => {
      const client = sql();
      const running = refusalOf(client`select pg_sleep(60)`);
      await untilRuns("pg_sleep");
      database.server.kill("SIGKILL");
      expect((await running).message).toContain("HTTP status 503");
      expect((await refusalOf(client`select 1`)).message).toContain("HTTP status 503");
      await database.server.start();
      expect(await client`select 1 as n`).toEqual([{ n: 1 }]);
    });
  });

  async function untilRuns(text: string): Promise<void> {
    const running =
      "select 1 from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like $1";
    while ((await sql().query(running, [`%${text}%`])).length === 0);
  }
});
