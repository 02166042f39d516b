/** An API over a memory, with customers and keys of its own and a clock that the test moves. */
import { createApp } from "../../functions/api/app.ts";
import type { KeyRecord } from "../../functions/store/store.ts";
import { createLog } from "../../functions/telemetry/log.ts";
import { newKey, sha256Hex } from "../../schema/api-key.ts";
import { type CustomerId, createIdSource, secureRandom } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import { type TierLimits, tierLimits } from "../../schema/tiers.ts";
import { MemoryControlPlane } from "./memory-control-plane.ts";
import { MemoryPools } from "./memory-pools.ts";

export const agentToken = "agent-token-of-this-test";
export const startedAt = Date.UTC(2026, 0, 1);

export interface Sent {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: BodyInit;
}

export interface Tenant {
  readonly customerId: CustomerId;
  readonly key: string;
  readonly keyHash: string;
}

export async function startApi(options: { metricsToken?: string } = {}) {
  let now = startedAt;
  let requests = 0;
  const logged: string[] = [];
  const clock = () => now;
  const ids = createIdSource(clock, secureRandom);
  const memory = new MemoryControlPlane(ids, clock);
  const pools = new MemoryPools(memory.faults);
  const adminKey = await newKey("admin");
  const app = createApp({
    store: memory,
    coordinators: memory,
    pools,
    clock,
    requestIds: () => `req_${++requests}`,
    log: createLog({ level: "debug", clock, write: (line) => logged.push(line) }),
    version: "1.2.3",
    adminKeyHash: await sha256Hex(adminKey),
    agentToken,
    metricsToken: options.metricsToken ?? null,
  });

  async function addKey(customerId: CustomerId, record: Partial<KeyRecord> = {}): Promise<Tenant> {
    const key = await newKey(customerId);
    const keyHash = await sha256Hex(key);
    const scopes = ["workloads:read", "workloads:write"];
    const limits = tierLimits.enterprise;
    const plain = { keyId: ids.key(), customerId, scopes, expiresAt: null, suspended: false, limits };
    memory.addKey(keyHash, { ...plain, ...record });
    return { customerId, key, keyHash };
  }

  async function addCustomer(record: Partial<KeyRecord> = {}): Promise<Tenant> {
    const customerId = ids.customer();
    memory.addCustomer(customerId, record.limits ?? tierLimits.enterprise);
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
    memory,
    pools,
    ids,
    logged,
    adminKey,
    addKey,
    addCustomer,
    send,
    advance(milliseconds: number) {
      now += milliseconds;
    },
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
