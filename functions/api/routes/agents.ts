/** For worker agents: "something waits for you", told to a coordinator that does not listen to the broker. */
import { z } from "zod";
import { poolSchema } from "../../../schema/affinity.ts";
import { bearerToken } from "../bearer.ts";
import { sameSecret } from "../constant-time.ts";
import type { ApiDependencies, ApiHandler } from "../context.ts";
import { refuse } from "../errors.ts";
import { readJson } from "../json-body.ts";

const wakeBodySchema = z.strictObject({ pool: poolSchema });

export const requireAgent =
  ({ agentToken }: Pick<ApiDependencies, "agentToken">): ApiHandler =>
  async (c, proceed) =>
    (await sameSecret(bearerToken(c), agentToken)) ? proceed() : refuse(c, { kind: "unauthenticated" });

export const wakePool =
  ({ pools, log }: Pick<ApiDependencies, "pools" | "log">): ApiHandler =>
  async (c) => {
    const body = await readJson(c.req.raw, wakeBodySchema);
    if (!body.ok) return refuse(c, body.refusal);
    const { pool } = body.value.value;
    if (!pools.pools.includes(pool)) return refuse(c, { kind: "unknown_pool", pool });
    try {
      await pools.wake(pool);
    } catch (err) {
      log.warn({ component: "api", err, pool, request_id: c.var.requestId }, "a pool could not be woken");
      return refuse(c, { kind: "unavailable", what: "leader", retryAfterSeconds: 1 });
    }
    return c.json({ pool }, 202);
  };
