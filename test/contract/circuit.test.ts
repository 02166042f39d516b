/** A database that keeps failing is not asked by everybody: the rest fail at once, until one finds that it serves again. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { createPostgresStore } from "../../functions/store/postgres/postgres-store.ts";
import { StoreUnavailable } from "../../functions/store/store.ts";
import { circuitFailuresMax, circuitOpenSeconds } from "../../schema/limits.ts";

/** Answers every statement with this, and counts them. */
let status: number;
let asked = 0;
let at = 0;
const server = createServer((request, response) => {
  asked += 1;
  request.resume();
  response.writeHead(status, { "content-type": "application/json" });
  const rows = { command: "SELECT", rowCount: 0, rows: [], fields: [] };
  response.end(JSON.stringify(status === 200 ? { results: [rows, rows] } : { message: "no", code: "42P01" }));
});

let ping: () => Promise<unknown>;
beforeAll(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const fetchEndpoint = `http://127.0.0.1:${port}/sql`;
  const store = createPostgresStore({ databaseUrl: inject("databaseUrl"), fetchEndpoint, clock: () => at });
  ping = () => store.ping().catch((error: unknown) => error);
});
afterAll(() => server.close());
beforeEach(async () => {
  at += circuitOpenSeconds * 1_000;
  status = 200;
  await ping();
  asked = 0;
});

const pings = async (count: number) => {
  const outcomes = [];
  for (let n = 0; n < count; n += 1) outcomes.push(await ping());
  return outcomes;
};

test("is not asked any more after some failures, and again when it serves", async () => {
  status = 503;
  const failures = await pings(circuitFailuresMax + 3);
  expect(failures.every((failure) => failure instanceof StoreUnavailable)).toBe(true);
  expect(asked).toBe(circuitFailuresMax);
  at += circuitOpenSeconds * 1_000;
  status = 200;
  expect(await pings(2)).not.toContainEqual(expect.any(Error));
  expect(asked).toBe(circuitFailuresMax + 2);
});

test("is asked on when it refuses what it was asked", async () => {
  status = 400;
  await pings(circuitFailuresMax + 3);
  expect(asked).toBe(circuitFailuresMax + 3);
});
