/** Real parts for the tests inside workerd: Postgres behind a gateway that can go away, a broker, and a door to them. */
import { createServer, type Server } from "node:http";
import type { TestProject } from "vitest/node";
import { z } from "zod";
import {
  createNeonGateway,
  gatewayBodyBytesMax,
  gatewayPoolMax,
  type NeonGateway,
} from "../../infra/local/neon-gateway.ts";
import { findFreePorts } from "../../infra/local/ports.ts";
import { customerScopes, seedCustomer } from "../../infra/local/seed-customer.ts";
import { newKey } from "../../schema/api-key.ts";
import { createIdSource, secureRandom } from "../../schema/ids.ts";
import { migrate } from "../../schema/migrate.ts";
import { startTestDatabase } from "./database.ts";
import { startNats } from "./nats.ts";

/** Bindings of the Worker under test beside those of wrangler.toml. */
export type WorkerdBindings = Record<string, string>;

declare module "vitest" {
  interface ProvidedContext {
    workerdBindings: WorkerdBindings;
  }
}

const poolsMax = 12;
const ids = createIdSource(Date.now, secureRandom);
const overridesSchema = z.record(z.string(), z.number().nullable());

interface Door {
  readonly databaseUrl: string;
  readonly gatewayPort: number;
  gateway: NeonGateway;
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [database, nats] = await Promise.all([startTestDatabase(), startNats()]);
  await migrate(database.url);
  const [gatewayPort = 0, doorPort = 0] = await findFreePorts(2);
  const door: Door = { databaseUrl: database.url, gatewayPort, gateway: await openGateway(database.url, gatewayPort) };
  const server = await openDoor(door, doorPort);
  project.provide("workerdBindings", {
    DATABASE_URL: database.url,
    NEON_FETCH_ENDPOINT: `http://127.0.0.1:${gatewayPort}/sql`,
    NATS_URL: nats.url,
    TEST_DOOR: `http://127.0.0.1:${doorPort}`,
    NIYANTA_POOLS: Array.from({ length: poolsMax }, (_, index) => `pool-${index + 1}`).join(","),
    ADMIN_KEY_HASH: "0".repeat(64),
    AGENT_TOKEN: "the-token-of-the-agents",
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

/** `POST /customers` makes one, `POST /gateway/stop` and `/gateway/start` do so, `GET /queries` counts. */
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
  if (what === "GET /queries") return door.gateway.queries();
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
