/** What there must be before an operation is asked for, so that it can be done: made for each anew. */
import { expect } from "vitest";
import type { Stack } from "../../infra/local/stack.ts";
import type { Credentials } from "./api-callers.ts";
import type { Call } from "./documented.ts";
import { Operator } from "./operator.ts";
import { registerIdle } from "./zombie.ts";

export interface Ground {
  readonly stack: Stack;
  readonly credentials: Credentials;
}

/** Of configurations; no workload is of one of them. */
export const plantedTypes: readonly string[] = ["fuzz.a", "fuzz.b", "fuzz.c", "fuzz.d"];
const workloadsPlanted = 30;
const keysPlanted = 10;
const rowMsMax = 20_000;
const aKey = { name: "planted", scopes: ["workloads:read"] };

/** By how the path begins of an operation that names one of them. */
const plants: Readonly<Record<string, (ground: Ground) => Promise<string>>> = {
  "/v1/workload-configs/": plantConfigs,
  "/v1/api-keys/": plantKeys,
  "/v1/admin/customers/": plantCustomer,
  "/v1/admin/workers/": plantWorker,
};

/** What it answers speaks of all that it made. */
export async function plant(ground: Ground, { path }: Call): Promise<string> {
  const [, more] = Object.entries(plants).find(([start]) => path.startsWith(start)) ?? [];
  return [(await more?.(ground)) ?? "", await plantWorkloads(ground)].join();
}

/** Some that wait, some that are paused, some that are cancelled. */
async function plantWorkloads(ground: Ground): Promise<string> {
  const workloads = Array.from({ length: workloadsPlanted }, () => ({
    workload_type: "noop",
    labels: { team: "fuzz" },
  }));
  const planted = await post(ground, "customer", "/v1/workloads/batch", { workloads });
  const ids: string[] = JSON.parse(planted).workloads.map((one: { workload_id: string }) => one.workload_id);
  const third = workloadsPlanted / 3;
  await post(ground, "customer", "/v1/workloads/batch/pause", { ids: ids.slice(0, third) });
  await post(ground, "customer", "/v1/workloads/batch/cancel", { ids: ids.slice(third, 2 * third) });
  return planted;
}

async function plantConfigs(ground: Ground): Promise<string> {
  for (const workload_type of plantedTypes) await post(ground, "customer", "/v1/workload-configs", { workload_type });
  return listed(ground, "/v1/workload-configs");
}

async function plantKeys(ground: Ground): Promise<string> {
  for (let made = 0; made < keysPlanted; made += 1) await post(ground, "customer", "/v1/api-keys", aKey);
  return listed(ground, "/v1/api-keys");
}

async function plantCustomer(ground: Ground): Promise<string> {
  const replies = [await post(ground, "operator", "/v1/admin/customers", { name: "planted" })];
  const path = `/v1/admin/customers/${JSON.parse(replies.join()).customer_id}/api-keys`;
  for (let made = 0; made < keysPlanted; made += 1) replies.push(await post(ground, "operator", path, aKey));
  return replies.join();
}

/** Its row comes a moment after it. */
async function plantWorker({ stack, credentials }: Ground): Promise<string> {
  const [id, operator] = [await registerIdle(stack, credentials.pool), new Operator(stack.dev)];
  await expect.poll(async () => (await operator.worker(id)).registered_at, { timeout: rowMsMax }).not.toBeNull();
  return id;
}

/** What is there already is as good as new. */
async function post(
  { stack, credentials }: Ground,
  by: keyof Credentials,
  path: string,
  json: object,
): Promise<string> {
  const headers = { authorization: `Bearer ${credentials[by]}`, "content-type": "application/json" };
  const reply = await fetch(`${stack.dev.api_url}${path}`, { method: "POST", headers, body: JSON.stringify(json) });
  if (!reply.ok && reply.status !== 409) throw new Error(`POST ${path} was answered ${reply.status}`);
  return reply.text();
}

async function listed({ stack, credentials }: Ground, path: string): Promise<string> {
  const headers = { authorization: `Bearer ${credentials.customer}` };
  return (await fetch(`${stack.dev.api_url}${path}?limit=100`, { headers })).text();
}
