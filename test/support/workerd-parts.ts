/** Real parts for the tests inside workerd: Postgres behind a gateway that can go away, a broker, and a door to them. */
import { createServer, type Server } from "node:http";
import pg from "pg";
import type { TestProject } from "vitest/node";
import { z } from "zod";
import {
  createNeonGateway,
  gatewayBodyBytesMax,
  gatewayPoolMax,
  type NeonGateway,
} from "../../infra/local/neon-gateway.ts";
import { findFreePorts } from "../../infra/local/ports.ts";
import { seedCustomer } from "../../infra/local/seed-customer.ts";
import { newKey, sha256Hex } from "../../schema/api-key.ts";
import { createIdSource, customerIdSchema, secureRandom } from "../../schema/ids.ts";
import { apiDatabaseUrl, migrate, openLogin } from "../../schema/migrate.ts";
import { formatPoolToken } from "../../schema/pool-token.ts";
import { customerScopes } from "../../schema/scopes.ts";
import { startTestDatabase } from "./database.ts";
import { startNats } from "./nats.ts";

/** Bindings of the Worker under test beside those of wrangler.toml. */
export type WorkerdBindings = Record<string, string>;

declare module "vitest" {
  interface ProvidedContext {
    workerdBindings: WorkerdBindings;
  }
}

const poolsMax = 17;
const ids = createIdSource(Date.now, secureRandom);
const overridesSchema = z.record(z.string(), z.number().nullable());

interface Door {
  /** As its owner. */
  readonly databaseUrl: string;
  readonly gatewayPort: number;
  gateway: NeonGateway;
  /** The public keys of the issuer of tokens, as JSON. */
  jwks: string;
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [database, nats] = await Promise.all([startTestDatabase(), startNats()]);
  await migrate(database.url);
  await openLogin(database.url, database.apiPassword);
  const [gatewayPort = 0, doorPort = 0] = await findFreePorts(2);
  const gateway = await openGateway(database.url, gatewayPort);
  const door: Door = { databaseUrl: database.url, gatewayPort, gateway, jwks: "null" };
  const poolToken = await formatPoolToken("pool-1", crypto.getRandomValues(new Uint8Array(32)));
  const server = await openDoor(door, doorPort);
  project.provide("workerdBindings", {
    DATABASE_URL: apiDatabaseUrl(database.url, database.apiPassword),
    NEON_FETCH_ENDPOINT: `http://127.0.0.1:${gatewayPort}/sql`,
    NATS_URL: nats.url,
    TEST_DOOR: `http://127.0.0.1:${doorPort}`,
    NIYANTA_POOLS: Array.from({ length: poolsMax }, (_, index) => `pool-${index + 1}`).join(","),
    ADMIN_KEY_HASH: "0".repeat(64),
    NATS_ACCOUNT: nats.authority.account,
    NATS_ACCOUNT_SEED: nats.authority.signingSeed,
    POOL_TOKEN_HASHES: `pool-1=${await sha256Hex(poolToken)}`,
    TEST_POOL_TOKEN: poolToken,
    JWT_ISSUER: "https://issuer.test",
    JWT_AUDIENCE: "niyanta",
    JWT_ALGORITHM: "ES256",
    JWT_JWKS_URL: `http://127.0.0.1:${doorPort}/jwks`,
    LEASE_SECONDS: "3",
    HEARTBEAT_SECONDS: "1",
    LOG_LEVEL: process.env.SHOW_WORKER_LOG === undefined ? "silent" : "info",
  });
  return async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await door.gateway.close();
    await Promise.all([database.stop(), nats.stop()]);
  };
}

async function openGateway(databaseUrl: string, port: number): Promise<NeonGateway> {
  const gateway = createNeonGateway({
    databaseHost: new URL(databaseUrl).host,
    poolMax: gatewayPoolMax,
    prepare: true,
    bodyBytesMax: gatewayBodyBytesMax,
  });
  await new Promise<void>((resolve) => gateway.server.listen(port, "127.0.0.1", resolve));
  return gateway;
}

/**
 * `POST /customers` makes one, `POST /keys` a key of one, `POST /last-used` says when a key was, `POST /jwks` and
 * `GET /jwks` are the keys of an issuer, `POST /gateway/stop` and `/gateway/start` do so, `GET /traffic` counts queries.
 */
async function openDoor(door: Door, port: number): Promise<Server> {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += String(part);
    const answer = await serve(door, `${request.method} ${request.url}`, body).catch((error: unknown) => String(error));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer ?? null));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

async function serve(door: Door, what: string, body: string): Promise<unknown> {
  if (what === "POST /customers") return newCustomer(door, body);
  if (what === "POST /keys") return addKey(door, body);
  if (what === "POST /last-used") return lastUsed(door, body);
  if (what === "POST /jwks") door.jwks = body;
  if (what === "POST /jwks" || what === "GET /jwks") return JSON.parse(door.jwks);
  if (what === "GET /traffic") return door.gateway.traffic();
  if (what === "POST /gateway/stop") return door.gateway.close();
  if (what !== "POST /gateway/start") throw new Error(`no such thing: ${what}`);
  door.gateway = await openGateway(door.databaseUrl, door.gatewayPort);
  return null;
}

async function newCustomer({ databaseUrl }: Door, body: string): Promise<string> {
  const customerId = ids.customer();
  const customer = {
    customerId,
    key: await newKey(customerId),
    name: "test",
    tier: "enterprise" as const,
    overrides: { submitsPerSecond: null, ...overridesSchema.parse(JSON.parse(body)) },
    scopes: customerScopes,
    workloadTypes: ["noop"],
  };
  await seedCustomer(databaseUrl, customer, ids);
  return customerId;
}

const withDatabase = async <T>({ databaseUrl }: Door, ask: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  return ask(client).finally(() => client.end());
};

/** Of the customer whose id is the body. */
async function addKey(door: Door, body: string): Promise<string> {
  const customerId = customerIdSchema.parse(JSON.parse(body));
  const key = await newKey(customerId);
  const values = [ids.key(), customerId, await sha256Hex(key), customerScopes];
  const insert = "insert into api_keys (key_id, customer_id, key_hash, scopes) values ($1, $2, $3, $4)";
  await withDatabase(door, (client) => client.query(insert, values));
  return key;
}

/** Of the key that is the body; null: never. */
async function lastUsed(door: Door, body: string): Promise<string | null> {
  const hash = await sha256Hex(z.string().parse(JSON.parse(body)));
  const query = "select last_used_at from api_keys where key_hash = $1";
  const { rows } = await withDatabase(door, (client) => client.query<{ last_used_at: Date | null }>(query, [hash]));
  return rows[0]?.last_used_at?.toISOString() ?? null;
}
