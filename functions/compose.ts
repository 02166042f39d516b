/** The only place that builds adapters: from the bindings of the Worker to what serves requests and the cron trigger. */
import { waitUntil } from "cloudflare:workers";
import manifest from "../package.json" with { type: "json" };
import { poolSchema } from "../schema/affinity.ts";
import { newKey } from "../schema/api-key.ts";
import { createIdSource, customerIdSchema, type IdSource, secureRandom } from "../schema/ids.ts";
import { assignmentTimeoutSecondsDefault, idempotencyKeyHoursDefault } from "../schema/limits.ts";
import { createApp } from "./api/app.ts";
import type { AgentCredentials } from "./api/context.ts";
import type { JwtTrust } from "./api/identity/jwt.ts";
import { createKeySet } from "./api/identity/key-set.ts";
import type { OpenSocket } from "./api/live/socket.ts";
import { createMint, isUserKey, type Mint } from "./broker/credentials.ts";
import { natsBroker } from "./broker/nats.ts";
import type { ComposeCoordinator } from "./coordinator/customer-coordinator.ts";
import type { CoordinatorDeps } from "./coordinator/session.ts";
import { type RetentionDeps, retain } from "./cron/retention.ts";
import { readSwaggerFile } from "./docs/files.ts";
import { type Bindings, type Env, readEnv } from "./env.ts";
import { createCustomerGateway } from "./rpc/customer-gateway.ts";
import { createPoolGateway, type TickingPools } from "./rpc/pool-gateway.ts";
import type { PoolDeps } from "./scheduler/pool.ts";
import type { ComposePool } from "./scheduler/pool-scheduler.ts";
import type { DatabaseOptions } from "./store/postgres/database.ts";
import { createPostgresStore } from "./store/postgres/postgres-store.ts";
import { createPostgresRetention } from "./store/postgres/retention.ts";
import type { StateStore } from "./store/store.ts";
import { createLog, type Log } from "./telemetry/log.ts";

export interface ControlPlane {
  fetch(request: Request): Promise<Response>;
  /** `cron`: the trigger that has fired, as wrangler.toml writes it. */
  scheduled(cron: string): Promise<void>;
}

/** The other trigger, of each minute, is the pools'. */
const retentionCron = "17 * * * *";
const clock = () => Date.now();
const requestIds = () => `req_${crypto.randomUUID()}`;

export const composeLog = ({ LOG_LEVEL }: Pick<Env, "LOG_LEVEL">): Log =>
  createLog({ level: LOG_LEVEL, clock, write: (line) => console.log(line) });

const databaseOf = ({ DATABASE_URL, NEON_FETCH_ENDPOINT }: Env): DatabaseOptions => ({
  databaseUrl: DATABASE_URL,
  clock,
  ...(NEON_FETCH_ENDPOINT === null ? {} : { fetchEndpoint: NEON_FETCH_ENDPOINT }),
});

export const composeStore = (env: Env): StateStore => createPostgresStore(databaseOf(env));

const composeMint = (env: Env, ids: IdSource): Mint =>
  createMint({
    accountSeed: env.NATS_ACCOUNT_SEED,
    account: env.NATS_ACCOUNT,
    workerSeconds: env.AGENT_CREDENTIAL_SECONDS,
    now: clock,
    jwtId: () => ids.message(),
  });

function composeAgentCredentials(env: Env): AgentCredentials {
  const mint = composeMint(env, createIdSource(clock, secureRandom));
  return {
    natsUrl: env.NATS_PUBLIC_URL ?? env.NATS_URL,
    lifetimeSeconds: env.AGENT_CREDENTIAL_SECONDS,
    isUserKey,
    issue: mint.worker,
  };
}

function composeJwt({ JWT }: Env, log: Log): JwtTrust | null {
  if (JWT === null) return null;
  const { keys, ...claims } = JWT;
  if ("jwksUrl" in keys) {
    const fetchKeys = (url: string, init: RequestInit) => fetch(url, init);
    return { ...claims, key: createKeySet({ url: keys.jwksUrl, fetch: fetchKeys, clock, log, background: waitUntil }) };
  }
  const secret = new TextEncoder().encode(keys.secret);
  return { ...claims, key: () => secret };
}

/** One end goes out with the reply, the other stays here. */
function openSocket(headers: Readonly<Record<string, string>>): OpenSocket {
  const { 0: client, 1: socket } = new WebSocketPair();
  return { response: new Response(null, { status: 101, webSocket: client, headers }), socket };
}

function composeControlPlane(env: Env): ControlPlane {
  const log = composeLog(env);
  const pools = createPoolGateway(env.POOL_SCHEDULER, env.NIYANTA_POOLS);
  const app = createApp({
    store: composeStore(env),
    coordinators: createCustomerGateway(env.CUSTOMER_COORDINATOR, log),
    pools,
    clock,
    requestIds,
    ids: createIdSource(clock, secureRandom),
    newKey,
    log,
    version: manifest.version,
    docsFile: readSwaggerFile,
    adminKeyHash: env.ADMIN_KEY_HASH,
    poolTokenHashes: env.POOL_TOKEN_HASHES,
    agentCredentials: composeAgentCredentials(env),
    jwt: composeJwt(env, log),
    metrics: { isPublic: env.METRICS_PUBLIC, token: env.METRICS_TOKEN },
    openSocket,
    // Else the runtime would end it with the request that began it.
    background: waitUntil,
  });
  const retention = composeRetention(env, log);
  return {
    fetch: async (request) => app.fetch(request),
    scheduled: (cron) => (cron === retentionCron ? retain(retention) : tickAll(pools, log)),
  };
}

const dayMs = 86_400_000;

const composeRetention = (env: Env, log: Log): RetentionDeps => ({
  store: createPostgresRetention(databaseOf(env)),
  terms: {
    workloads: env.WORKLOAD_RETENTION_DAYS * dayMs,
    audit: env.AUDIT_RETENTION_DAYS * dayMs,
    logs: env.LOG_RETENTION_DAYS * dayMs,
    workers: env.WORKER_RETENTION_DAYS * dayMs,
    idempotency_keys: idempotencyKeyHoursDefault * 3_600_000,
  },
  clock,
  log,
});

/** Each pool for itself: one that does not answer keeps no other from its tick. */
async function tickAll(pools: TickingPools, log: Log): Promise<void> {
  await Promise.all(
    pools.pools.map((pool) =>
      pools.tick(pool).catch((err: unknown) => log.error({ component: "cron", pool, err }, "a pool missed its tick")),
    ),
  );
}

/** A failure that nobody waits for is logged, and never unowned. */
const background =
  (log: Log) =>
  (work: Promise<unknown>): void => {
    work.catch((err: unknown) => log.error({ err }, "work in the background failed"));
  };

const nameOf = ({ id }: DurableObjectState): string => {
  if (id.name === undefined) throw new Error("this object was not addressed by name");
  return id.name;
};

export const composeCoordinator: ComposeCoordinator<Bindings> = (ctx, bindings, wakeBy): CoordinatorDeps => {
  const env = readEnv(bindings);
  const log = composeLog(env).child({ component: "coordinator" });
  return {
    customerId: customerIdSchema.parse(nameOf(ctx)),
    store: composeStore(env),
    poolNames: env.NIYANTA_POOLS,
    pool: (name) => env.POOL_SCHEDULER.getByName(name),
    ids: createIdSource(clock, secureRandom),
    now: clock,
    random: secureRandom,
    log,
    wakeBy,
    background: background(log),
  };
};

export const composePool: ComposePool<Bindings> = (ctx, bindings, wakeBy): PoolDeps => {
  const env = readEnv(bindings);
  const name = poolSchema.parse(nameOf(ctx));
  const log = composeLog(env).child({ component: "scheduler", pool: name });
  const ids = createIdSource(clock, secureRandom);
  const mint = composeMint(env, ids);
  return {
    name,
    store: composeStore(env),
    coordinator: (customerId) => env.CUSTOMER_COORDINATOR.getByName(customerId),
    connect: natsBroker({
      servers: env.NATS_URL,
      pool: name,
      login: () => mint.coordinator(name),
      messageId: () => ids.message(),
      now: clock,
    }),
    terms: {
      leaseMs: env.LEASE_SECONDS * 1_000,
      heartbeatMs: env.HEARTBEAT_SECONDS * 1_000,
      assignmentTimeoutMs: assignmentTimeoutSecondsDefault * 1_000,
    },
    now: clock,
    log,
    wakeBy,
    background: background(log),
  };
};

let composed: ControlPlane | undefined;

/** Built once an isolate: its bindings do not change, and its caches are worth keeping. */
export function controlPlane(bindings: Bindings): ControlPlane {
  composed ??= composeControlPlane(readEnv(bindings));
  return composed;
}
