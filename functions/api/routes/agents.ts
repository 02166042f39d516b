/** For worker agents: credentials for the broker, and "something waits for you" to who does not listen there. */

import { sha256Hex } from "../../../schema/api-key.ts";
import { enrolBodySchema, enrolledSchema, wakeBodySchema } from "../../../schema/http/agents.ts";
import { workerInbox } from "../../../schema/messages/subjects.ts";
import { parsePoolToken } from "../../../schema/pool-token.ts";
import { bearerToken } from "../bearer.ts";
import { constantTimeEqual } from "../constant-time.ts";
import type { ApiContext, ApiDependencies, ApiHandler } from "../context.ts";
import { refuse } from "../errors.ts";
import { type Refused, type Route, reply, route } from "../route.ts";
import { iso } from "../time.ts";

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

/** An agent shows the token of its pool, which opens no other. */
export const requireAgent =
  ({ poolTokenHashes }: Pick<ApiDependencies, "poolTokenHashes">): ApiHandler =>
  async (c, proceed) => {
    const pool = await poolOf(poolTokenHashes, bearerToken(c));
    if (pool === null) return refuse(c, { kind: "unauthenticated" });
    c.set("agentPool", pool);
    return proceed();
  };

async function poolOf(hashes: ApiDependencies["poolTokenHashes"], token: string): Promise<string | null> {
  const pool = await parsePoolToken(token);
  if (pool === null) return null;
  const hash = await sha256Hex(token);
  return (hashes.get(pool) ?? []).some((known) => constantTimeEqual(known, hash)) ? pool : null;
}

export const enrolWorker = (deps: Agents): Route =>
  route({
    method: "POST",
    path: "/v1/agents/enroll",
    operationId: "enrolWorker",
    tag: "Agents",
    summary: "Credentials for the broker, for a while",
    description: "They allow the subjects of this one worker and no others, and only to who has the key's private half.",
    access: "pool",
    body: { schema: enrolBodySchema, example: exampleBody },
    replies: { 200: { description: "It may connect", schema: enrolledSchema, example: exampleReply } },
    refusals: ["unavailable", "forbidden"],
    handle: async ({ body: { pool, worker_id, public_key } }, c) => {
      if (pool !== c.var.agentPool) return unauthenticated;
      const isRemoved = await ask(deps, c, pool, () => deps.pools.isRemoved(pool, worker_id));
      if (typeof isRemoved !== "boolean") return isRemoved;
      if (isRemoved) return { refusal: { kind: "forbidden", message: "this worker was removed" } };
      const { natsUrl, lifetimeSeconds, issue } = deps.agentCredentials;
      const { jwt, expiresAt } = issue(pool, worker_id, public_key);
      return reply(200, {
        nats_url: natsUrl,
        credentials: jwt,
        expires_at: iso(expiresAt),
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
    access: "pool",
    body: { schema: wakeBodySchema, example: { pool: "default" } },
    replies: { 202: { description: "It was told", schema: wakeBodySchema, example: { pool: "default" } } },
    refusals: ["unavailable"],
    handle: async ({ body: { pool } }, c) => {
      if (pool !== c.var.agentPool) return unauthenticated;
      const refused = await ask(deps, c, pool, () => deps.pools.wake(pool));
      return refused ?? reply(202, { pool });
    },
  });

const unauthenticated: Refused = { refusal: { kind: "unauthenticated" } };

/** What the pool's scheduler answers, or that it does not. */
async function ask<T>({ log }: Agents, c: ApiContext, pool: string, call: () => Promise<T>): Promise<T | Refused> {
  try {
    return await call();
  } catch (err) {
    log.warn({ component: "api", err, pool, request_id: c.var.requestId }, "a pool did not answer");
    return { refusal: { kind: "unavailable", what: "leader", retryAfterSeconds: 1 } };
  }
}
