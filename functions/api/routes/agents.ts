/** For worker agents: credentials for the broker, and "something waits for you" to who does not listen there. */

import { enrolBodySchema, enrolledSchema, wakeBodySchema } from "../../../schema/http/agents.ts";
import { workerInbox } from "../../../schema/messages/subjects.ts";
import type { ApiContext, ApiDependencies } from "../context.ts";
import { type Refused, type Route, reply, route } from "../route.ts";
import { isoTime } from "../time.ts";
import { invalidAt } from "../validation.ts";

type Agents = Pick<ApiDependencies, "pools" | "log" | "agentCredentials">;

const exampleBody = {
  pool: "default",
  worker_id: "wkr_01jd3v8q4x5r6t7y8a9b0c1d2e",
  public_key: "UBYMXNJAYOE6FUBCTLHFQSC53UCPLGVZCRQMIFMGQ6S7EZJXKVXNKV4J",
};
const exampleReply = {
  nats_url: "wss://broker.example.com",
  credentials: "eyJ0eXAiOiJKV1QiLCJhbGciOiJlZDI1NTE5LW5rZXkifQ.eyJqdGkiOiJtc2c.c2ln",
  expires_at: "2026-11-23T17:03:40.000Z",
  expires_in_seconds: 3_600,
  inbox_prefix: "niyanta.default.inbox.wkr_01jd3v8q4x5r6t7y8a9b0c1d2e",
};

export const enrolWorker = (deps: Agents): Route =>
  route({
    method: "POST",
    path: "/v1/agents/enroll",
    operationId: "enrolWorker",
    tag: "Agents",
    summary: "Credentials for the broker, for a while",
    description:
      "They allow the subjects of this one worker and no others, and only to who has the key's private half. It needs no Idempotency-Key: each " +
      "reply has credentials of its own, and nothing is stored.",
    access: "pool",
    body: { schema: enrolBodySchema, example: exampleBody },
    replies: { 200: { description: "It may connect", schema: enrolledSchema, example: exampleReply } },
    refusals: ["unavailable", "forbidden"],
    handle: async ({ body: { pool, worker_id, public_key } }, c) => {
      if (pool !== c.var.agentPool) return unauthenticated;
      const removed = await ask(deps, c, pool, () => deps.pools.isRemoved(pool, worker_id));
      if ("refusal" in removed) return removed;
      if (removed.value) return { refusal: { kind: "forbidden", message: "this worker was removed" } };
      const { natsUrl, lifetimeSeconds, isUserKey, issue } = deps.agentCredentials;
      if (!isUserKey(public_key)) return badKey;
      const { jwt, expiresAt } = issue(pool, worker_id, public_key);
      return reply(200, {
        nats_url: natsUrl,
        credentials: jwt,
        expires_at: isoTime(expiresAt),
        expires_in_seconds: lifetimeSeconds,
        inbox_prefix: workerInbox(pool, worker_id),
      });
    },
  });

export const wakePool = (deps: Agents): Route =>
  route({
    method: "POST",
    path: "/v1/agents/wake",
    operationId: "wakePool",
    tag: "Agents",
    summary: "Something waits for the coordinator of this pool",
    description: "It needs no Idempotency-Key: who is awake stays so.",
    access: "pool",
    body: { schema: wakeBodySchema, example: { pool: "default" } },
    replies: { 202: { description: "It was told", schema: wakeBodySchema, example: { pool: "default" } } },
    refusals: ["unavailable"],
    handle: async ({ body: { pool } }, c) => {
      if (pool !== c.var.agentPool) return unauthenticated;
      const woken = await ask(deps, c, pool, () => deps.pools.wake(pool));
      return "refusal" in woken ? woken : reply(202, { pool });
    },
  });

const badKey: Refused = { refusal: invalidAt("public_key", "not the public key of a NATS user").refusal };
const unauthenticated: Refused = { refusal: { kind: "unauthenticated" } };

/** What the pool's scheduler answers, or that it does not. */
async function ask<T>(
  { log }: Agents,
  c: ApiContext,
  pool: string,
  call: () => Promise<T>,
): Promise<{ value: T } | Refused> {
  try {
    return { value: await call() };
  } catch (err) {
    log.warn({ component: "api", err, pool, request_id: c.var.requestId }, "a pool did not answer");
    return { refusal: { kind: "unavailable", what: "leader", retryAfterSeconds: 1 } };
  }
}
