/** For operators: the index, liveness, readiness, metrics. */
import { z } from "zod";
import { healthSchema, indexSchema, type Ready, readySchema } from "../../../schema/http/health.ts";
import { readySecondsMax, readyWaitSecondsMax } from "../../../schema/limits.ts";
import type { ApiDependencies } from "../context.ts";
import { type Route, reply, route } from "../route.ts";
import { createSharedWork } from "../shared-work.ts";

const dependencyWaitMsMax = readyWaitSecondsMax * 1_000;
const metricsType = "text/plain; version=0.0.4; charset=utf-8";

export const getIndex = ({ version }: Pick<ApiDependencies, "version">): Route =>
  route({
    method: "GET",
    path: "/",
    operationId: "getIndex",
    tag: "Operations",
    summary: "What this is, and where its parts are",
    access: "public",
    replies: { 200: { description: "Links", schema: indexSchema, example: indexOf(version) } },
    handle: async () => reply(200, indexOf(version)),
  });

const indexOf = (version: string) => ({
  name: "niyanta" as const,
  version,
  links: {
    workloads: "/v1/workloads",
    health: "/health",
    ready: "/ready",
    metrics: "/metrics",
    openapi: "/openapi.json",
    docs: "/docs",
  },
});

/** Asks nobody: it only says that this process answers. */
export const getHealth = ({ version }: Pick<ApiDependencies, "version">): Route =>
  route({
    method: "GET",
    path: "/health",
    operationId: "getHealth",
    tag: "Operations",
    summary: "Liveness: this process answers",
    access: "public",
    replies: { 200: { description: "It does", schema: healthSchema, example: { status: "ok", version } } },
    handle: async () => reply(200, { status: "ok" as const, version }),
  });

type ReadyDeps = Pick<ApiDependencies, "store" | "pools" | "log" | "clock" | "background">;

export function getReady(deps: ReadyDeps): Route {
  const look = createLook(deps);
  return route({
    method: "GET",
    path: "/ready",
    operationId: "getReady",
    tag: "Operations",
    summary: "Readiness: the database, the broker and the leader answer",
    access: "public",
    replies: {
      200: { description: "All of them answer", schema: readySchema, example: exampleReady("ok") },
      503: { description: "One of them does not", schema: readySchema, example: exampleReady("unavailable") },
    },
    handle: async () => {
      const ready = await look();
      return ready.status === "ready"
        ? reply(200, ready)
        : reply(503, ready, { "Retry-After": String(readySecondsMax) });
    },
  });
}

/** Anybody may ask, and each look asks everything: so one at a time, and its answer is given again for a moment. */
function createLook(deps: ReadyDeps): () => Promise<Ready> {
  let last: { readonly ready: Ready; readonly begun: number; readonly at: number } | null = null;
  const look = createSharedWork({ ...deps, msMax: 2 * dependencyWaitMsMax }, async () => {
    const begun = deps.clock();
    const ready = await askAll(deps);
    // One that was given up, and comes late, says nothing new.
    if (last === null || begun >= last.begun) last = { ready, begun, at: deps.clock() };
    return ready;
  });
  return async () => (last !== null && deps.clock() < last.at + readySecondsMax * 1_000 ? last.ready : look());
}

const exampleReady = (broker: "ok" | "unavailable") => ({
  status: broker === "ok" ? "ready" : "unavailable",
  dependencies: { database: "ok", broker, leader: "ok" },
});

async function askAll(deps: ReadyDeps): Promise<Ready> {
  const [database, pools] = await Promise.all([
    answers(deps, "database", async () => ({ database: await deps.store.ping().then(() => true) })),
    Promise.all(deps.pools.pools.map((pool) => answers(deps, `pool ${pool}`, () => deps.pools.health(pool)))),
  ]);
  return summarise({
    database: database !== null,
    broker: pools.every((pool) => pool?.broker === true),
    leader: pools.every((pool) => pool?.leader === true),
  });
}

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

export const getMetrics = (deps: Pick<ApiDependencies, "pools" | "log">): Route =>
  route({
    method: "GET",
    path: "/metrics",
    operationId: "getMetrics",
    tag: "Operations",
    summary: "Prometheus metrics",
    access: "metrics",
    replies: {
      200: { description: "Text format 0.0.4", schema: z.string(), media: "text/plain", example: exampleMetrics },
    },
    refusals: ["unavailable"],
    handle: async (_input, c) => {
      const text = await answers(deps, "metrics", () => deps.pools.metrics());
      if (text === null) return { refusal: { kind: "unavailable", what: "leader", retryAfterSeconds: 1 } };
      return c.body(text, 200, { "Content-Type": metricsType });
    },
  });

const exampleMetrics = 'niyanta_worker_capacity_total{pool="default"} 20\n';
