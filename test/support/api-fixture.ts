/** An API over a memory, with customers and keys of its own and a clock that the test moves. */
import { readFile } from "node:fs/promises";
import { createApp } from "../../functions/api/app.ts";
import type { ApiDependencies } from "../../functions/api/context.ts";
import type { JwtTrust } from "../../functions/api/identity/jwt.ts";
import { routesOf } from "../../functions/api/routes.ts";
import { isUserKey } from "../../functions/broker/credentials.ts";
import type { KeyRecord } from "../../functions/store/store.ts";
import { createLog } from "../../functions/telemetry/log.ts";
import { newKey, sha256Hex } from "../../schema/api-key.ts";
import { type CustomerId, createIdSource, type KeyId, secureRandom } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import { formatPoolToken } from "../../schema/pool-token.ts";
import { type TierLimits, tierLimits } from "../../schema/tiers.ts";
import { MemoryControlPlane } from "./memory-control-plane.ts";
import { MemoryPools } from "./memory-pools.ts";

/** Of every pool that agents enrol in. */
export const poolToken = (pool: string): Promise<string> => formatPoolToken(pool, new Uint8Array(32).fill(7));
const poolNames = ["default", "gpu"];
const hashesOf = async (pool: string) => [pool, [await sha256Hex(await poolToken(pool))]] as const;
export const startedAt = Date.UTC(2026, 0, 1);

export interface Sent {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: BodyInit;
}

export interface Tenant {
  readonly customerId: CustomerId;
  readonly keyId: KeyId;
  readonly key: string;
  readonly keyHash: string;
}

export interface ApiOptions {
  readonly metrics?: ApiDependencies["metrics"];
  readonly jwt?: (parts: Pick<ApiDependencies, "clock" | "log" | "background">) => JwtTrust;
}

export async function startApi(options: ApiOptions = {}) {
  let now = startedAt;
  let requests = 0;
  const logged: string[] = [];
  const running: Promise<void>[] = [];
  const clock = () => now;
  const background = (work: Promise<void>) => void running.push(work);
  const log = createLog({ level: "debug", clock, write: (line) => logged.push(line) });
  const ids = createIdSource(clock, secureRandom);
  const memory = new MemoryControlPlane(ids, clock);
  const pools = new MemoryPools(memory.faults);
  const adminKey = await newKey("admin");
  const deps: ApiDependencies = {
    store: memory,
    coordinators: memory,
    pools,
    clock,
    requestIds: () => `req_${++requests}`,
    ids,
    newKey,
    log,
    version: "1.2.3",
    docsFile: (name) => readFile(`node_modules/swagger-ui-dist/${name}`, "utf8"),
    adminKeyHash: await sha256Hex(adminKey),
    poolTokenHashes: new Map(await Promise.all(poolNames.map(hashesOf))),
    agentCredentials: {
      natsUrl: "wss://broker.test",
      lifetimeSeconds: 60,
      isUserKey,
      issue: (pool, worker, publicKey) => ({ jwt: `${pool}/${worker}/${publicKey}`, expiresAt: now + 60_000 }),
    },
    metrics: options.metrics ?? { isPublic: false, token: null },
    jwt: options.jwt?.({ clock, log, background }) ?? null,
    openSocket: () => {
      throw new Error("there are no sockets outside of the runtime");
    },
    background,
  };
  const app = createApp(deps);

  async function addKey(customerId: CustomerId, record: Partial<KeyRecord> = {}): Promise<Tenant> {
    const key = await newKey(customerId);
    const keyHash = await sha256Hex(key);
    const scopes = ["workloads:read", "workloads:write"];
    const limits = tierLimits.enterprise;
    const keyId = ids.key();
    const plain = { keyId, customerId, scopes, expiresAt: null, suspended: false, limits };
    memory.addKey(keyHash, { ...plain, ...record });
    return { customerId, keyId, key, keyHash };
  }

  async function addCustomer(record: Partial<KeyRecord> = {}): Promise<Tenant> {
    const customerId = ids.customer();
    memory.addCustomer(customerId, record.limits ?? tierLimits.enterprise, record.suspended);
    return addKey(customerId, record);
  }

  async function send(method: string, path: string, { key, headers = {}, json, body }: Sent = {}) {
    const typed = json === undefined ? {} : { "content-type": "application/json" };
    const authorized = key === undefined ? {} : { authorization: `Bearer ${key}` };
    return app.request(path, {
      method,
      headers: { ...typed, ...authorized, ...headers },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      ...(body === undefined ? {} : { body, duplex: "half" }),
    } as RequestInit);
  }

  return {
    app,
    routes: routesOf(deps),
    memory,
    pools,
    ids,
    logged,
    adminKey,
    addKey,
    addCustomer,
    send,
    clock,
    advance(milliseconds: number) {
      now += milliseconds;
    },
    /** What goes on beside the replies has come to its end. */
    settled: () => Promise.all(running),
    /** A workload of this tenant. */
    async submit(tenant: Tenant, body: Record<string, Json> = {}): Promise<string> {
      const reply = await send("POST", "/v1/workloads", { key: tenant.key, json: { workload_type: "noop", ...body } });
      const { workload_id } = (await reply.json()) as { workload_id: string };
      return workload_id;
    },
  };
}

export type Api = Awaited<ReturnType<typeof startApi>>;

export const slowLimits = (changes: Partial<TierLimits>): TierLimits => ({ ...tierLimits.free, ...changes });

/** The API with one customer, and a POST to `path` with its key. */
export async function startPosting(path: string) {
  const api = await startApi();
  const tenant = await api.addCustomer();
  const post = (json: unknown, headers: Record<string, string> = {}) =>
    api.send("POST", path, { key: tenant.key, json, headers });
  return { api, tenant, post };
}
