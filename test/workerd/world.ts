/** What the tests inside workerd share: the Worker's objects, a customer of their own, and the door to the parts outside. */
import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { z } from "zod";
import type { ChangeKind, DirectoryChanges } from "../../functions/domain/directory-change.ts";
import { readEnv } from "../../functions/env.ts";
import type { CustomerObject, PoolObject } from "../../functions/rpc/objects.ts";
import { createPostgresStore } from "../../functions/store/postgres/postgres-store.ts";
import { sha256Hex } from "../../schema/api-key.ts";
import { type SubmitBody, submitBodySchema } from "../../schema/http/submit.ts";
import {
  type CustomerId,
  createIdSource,
  customerIdSchema,
  type KeyId,
  secureRandom,
  type WorkloadId,
} from "../../schema/ids.ts";
import { customerScopes } from "../../schema/scopes.ts";
import type { WorkloadStatus } from "../../schema/status.ts";
import { wholeTrail } from "../support/pages.ts";
import { atRest, trafficSchema } from "../support/traffic.ts";

const outsideSchema = z.looseObject({
  TEST_DOOR: z.url(),
  CUSTOMER_COORDINATOR: z.custom<DurableObjectNamespace>(),
  POOL_SCHEDULER: z.custom<DurableObjectNamespace>(),
});
const outside = outsideSchema.parse(env);
export const bindings = readEnv(outside);
const ids = createIdSource(Date.now, secureRandom);

export const store = createPostgresStore({
  databaseUrl: bindings.DATABASE_URL,
  clock: Date.now,
  ...(bindings.NEON_FETCH_ENDPOINT === null ? {} : { fetchEndpoint: bindings.NEON_FETCH_ENDPOINT }),
});

/** A fresh stub: one that has seen a reset stays broken. */
export const coordinator = (id: CustomerId): CustomerObject => bindings.CUSTOMER_COORDINATOR.getByName(id);
export const pool = (name: string): PoolObject => bindings.POOL_SCHEDULER.getByName(name);
export const coordinatorStub = (id: CustomerId) => outside.CUSTOMER_COORDINATOR.getByName(id);
export const poolStub = (name: string) => outside.POOL_SCHEDULER.getByName(name);

/** Ends the instance at once with everything in its memory, as a crash or a move does; its storage stays. */
export async function crash(stub: DurableObjectStub): Promise<void> {
  await runInDurableObject(stub, (_, state) => state.abort("a crash of the test")).then(
    () => Promise.reject(new Error("the object did not end")),
    () => undefined,
  );
}

/** Between tests: no object of one test is at work in the next. */
export const endObjects = (): Promise<void> => abortAllDurableObjects();

async function ask(method: string, path: string, body: unknown = {}): Promise<unknown> {
  const content = method === "GET" ? {} : { body: JSON.stringify(body) };
  return (await fetch(`${outside.TEST_DOOR}${path}`, { method, ...content })).json();
}

/** Of tier enterprise, with the type `noop` and no rate limit. */
export const newCustomer = async (overrides: Record<string, number> = {}): Promise<CustomerId> =>
  customerIdSchema.parse(await ask("POST", "/customers", overrides));
export const newKey = async (customerId: CustomerId): Promise<string> =>
  z.string().parse(await ask("POST", "/keys", customerId));
export const lastUsed = async (key: string): Promise<string | null> =>
  z
    .string()
    .nullable()
    .parse(await ask("POST", "/last-used", key));
/** What the issuer of tokens says its keys are. */
export const showKeys = (keys: readonly object[]): Promise<unknown> => ask("POST", "/jwks", { keys });
/** Queries that Postgres was sent so far. */
export const queries = async (): Promise<number> => (await traffic()).queries;
/** The same, when nobody asks anything any more. */
export const queriesAtRest = (): Promise<number> => atRest(traffic);
const traffic = async () => trafficSchema.parse(await ask("GET", "/traffic"));
export const stopGateway = (): Promise<unknown> => ask("POST", "/gateway/stop");
export const startGateway = (): Promise<unknown> => ask("POST", "/gateway/start");

const newBody = (chosen: Partial<SubmitBody>): SubmitBody => ({
  ...submitBodySchema.parse({ workload_type: "noop" }),
  ...chosen,
});

export function trySubmit(customerId: CustomerId, ...bodies: readonly Partial<SubmitBody>[]) {
  const request = { bodies: bodies.map(newBody), idempotency: null, actor: { type: "user" as const, id: "test" } };
  return coordinator(customerId).submit({ ...request, traceparent: null });
}

export async function submitOne(customerId: CustomerId, body: Partial<SubmitBody>): Promise<WorkloadId> {
  const answer = await trySubmit(customerId, body);
  const id = answer.ok ? answer.value[0]?.workloadId : undefined;
  if (id === undefined) throw new Error(`not submitted: ${JSON.stringify(answer)}`);
  return id;
}

/** As the operator. */
export async function change<K extends ChangeKind>(customerId: CustomerId, kind: K, what: DirectoryChanges[K]) {
  const actor = { type: "user" as const, id: "test" };
  const request = { change: { kind, what }, actor, byOperator: true, idempotency: null };
  const answer = await coordinator(customerId).direct(request);
  if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer.refusal)}`);
  return answer.value.reply;
}

export async function issueKey(customerId: CustomerId): Promise<KeyId> {
  const [keyId, scopes] = [ids.key(), [...customerScopes]];
  const secret = { keyId, keyHash: await sha256Hex(keyId), grantable: customerScopes, expiresBy: null };
  await change(customerId, "issue_key", { ...secret, body: { name: "test", scopes } });
  return keyId;
}

/** Resolves at that time: for what is due by the clock, not for what takes its time. */
export const until = (time: string): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, Date.parse(time) - Date.now())));

export async function epochOf(customerId: CustomerId, poolName: string): Promise<number> {
  const standing = await coordinator(customerId).standing(poolName);
  if (!standing.ok) throw new Error(`refused: ${JSON.stringify(standing.refusal)}`);
  return standing.value.update.epoch;
}

export async function count(customerId: CustomerId): Promise<number | undefined> {
  const page = await store.list(customerId, { order_by: "created_at", limit: 1, count: "true" });
  return page === "bad_cursor" ? undefined : page.total;
}

export async function statusOf(customerId: CustomerId, id: WorkloadId): Promise<WorkloadStatus | undefined> {
  return (await store.workload(customerId, id))?.status;
}

export async function eventsOf(customerId: CustomerId, id: WorkloadId): Promise<string[]> {
  return ((await wholeTrail(store, customerId, id)) ?? []).map(({ event_type }) => event_type.replace("workload.", ""));
}
