/** The only place that builds adapters: from the bindings of the Worker to what serves requests and the cron trigger. */
import manifest from "../package.json" with { type: "json" };
import { createApp } from "./api/app.ts";
import { type Bindings, type Env, readEnv } from "./env.ts";
import { createCustomerGateway } from "./rpc/customer-gateway.ts";
import { createPoolGateway, type TickingPools } from "./rpc/pool-gateway.ts";
import { createPostgresStore } from "./store/postgres/postgres-store.ts";
import type { StateStore } from "./store/store.ts";
import { createLog, type Log } from "./telemetry/log.ts";

export interface ControlPlane {
  fetch(request: Request): Promise<Response>;
  scheduled(): Promise<void>;
}

const clock = () => Date.now();
const requestIds = () => `req_${crypto.randomUUID()}`;

export const composeLog = ({ LOG_LEVEL }: Pick<Env, "LOG_LEVEL">): Log =>
  createLog({ level: LOG_LEVEL, clock, write: (line) => console.log(line) });

export const composeStore = ({ DATABASE_URL, NEON_FETCH_ENDPOINT }: Env): StateStore =>
  createPostgresStore({
    databaseUrl: DATABASE_URL,
    ...(NEON_FETCH_ENDPOINT === null ? {} : { fetchEndpoint: NEON_FETCH_ENDPOINT }),
  });

function composeControlPlane(env: Env): ControlPlane {
  const log = composeLog(env);
  const pools = createPoolGateway(env.POOL_SCHEDULER, env.NIYANTA_POOLS);
  const app = createApp({
    store: composeStore(env),
    coordinators: createCustomerGateway(env.CUSTOMER_COORDINATOR, log),
    pools,
    clock,
    requestIds,
    log,
    version: manifest.version,
    adminKeyHash: env.ADMIN_KEY_HASH,
    agentToken: env.AGENT_TOKEN,
    metricsToken: env.METRICS_TOKEN,
  });
  return { fetch: async (request) => app.fetch(request), scheduled: () => tickAll(pools, log) };
}

/** Each pool for itself: one that does not answer keeps no other from its tick. */
async function tickAll(pools: TickingPools, log: Log): Promise<void> {
  await Promise.all(
    pools.pools.map((pool) =>
      pools.tick(pool).catch((err: unknown) => log.error({ component: "cron", pool, err }, "a pool missed its tick")),
    ),
  );
}

let composed: ControlPlane | undefined;

/** Built once an isolate: its bindings do not change, and its caches are worth keeping. */
export function controlPlane(bindings: Bindings): ControlPlane {
  composed ??= composeControlPlane(readEnv(bindings));
  return composed;
}
