/** For operators: the index, liveness, readiness, metrics. */
import type { Ready } from "../../../schema/http/health.ts";
import { bearerToken } from "../bearer.ts";
import { sameSecret } from "../constant-time.ts";
import type { ApiDependencies, ApiHandler } from "../context.ts";
import { refuse } from "../errors.ts";

const dependencyWaitMsMax = 2_000;
const metricsType = "text/plain; version=0.0.4; charset=utf-8";

export const getIndex =
  ({ version }: Pick<ApiDependencies, "version">): ApiHandler =>
  async (c) =>
    c.json({
      name: "niyanta",
      version,
      links: { workloads: "/v1/workloads", health: "/health", ready: "/ready", metrics: "/metrics" },
    });

/** Asks nobody: it only says that this process answers. */
export const getHealth =
  ({ version }: Pick<ApiDependencies, "version">): ApiHandler =>
  async (c) =>
    c.json({ status: "ok", version });

export const getReady =
  (deps: Pick<ApiDependencies, "store" | "pools" | "log">): ApiHandler =>
  async (c) => {
    const [database, pools] = await Promise.all([
      answers(deps, "database", async () => ({ database: await deps.store.ping().then(() => true) })),
      Promise.all(deps.pools.pools.map((pool) => answers(deps, `pool ${pool}`, () => deps.pools.health(pool)))),
    ]);
    const ready = summarise({
      database: database !== null,
      broker: pools.every((pool) => pool?.broker === true),
      leader: pools.every((pool) => pool?.leader === true),
    });
    return c.json(ready, ready.status === "ready" ? 200 : 503);
  };

function summarise(up: Record<"database" | "broker" | "leader", boolean>): Ready {
  const word = (isUp: boolean) => (isUp ? "ok" : "unavailable");
  return {
    status: up.database && up.broker && up.leader ? "ready" : "unavailable",
    dependencies: { database: word(up.database), broker: word(up.broker), leader: word(up.leader) },
  };
}

/** What a dependency says within its time, else null, with the reason in the log. */
async function answers<T>(
  { log }: Pick<ApiDependencies, "log">,
  what: string,
  ask: () => Promise<T>,
): Promise<T | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${dependencyWaitMsMax} ms`)), dependencyWaitMsMax);
  });
  try {
    return await Promise.race([ask(), late]);
  } catch (err) {
    log.warn({ component: "api", err, dependency: what }, "a dependency is not ready");
    return null;
  } finally {
    clearTimeout(timer);
  }
}

export const getMetrics =
  (deps: Pick<ApiDependencies, "pools" | "log" | "metricsToken">): ApiHandler =>
  async (c) => {
    if (deps.metricsToken !== null && !(await sameSecret(bearerToken(c), deps.metricsToken))) {
      return refuse(c, { kind: "unauthenticated" });
    }
    const text = await answers(deps, "metrics", () => deps.pools.metrics());
    if (text === null) return refuse(c, { kind: "unavailable", what: "leader", retryAfterSeconds: 1 });
    return c.body(text, 200, { "Content-Type": metricsType });
  };
