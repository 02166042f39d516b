/** The gateway to pools' schedulers over Durable Object RPC. */
import type { PoolGateway } from "../coordinator/gateway.ts";
import { mergeMetrics } from "../telemetry/metrics-text.ts";
import { callObject } from "./call.ts";
import type { ObjectNamespace, PoolObject } from "./objects.ts";

type Asked = Pick<PoolObject, "wake" | "isRemoved" | "fleet" | "drain" | "remove" | "health" | "metricsText" | "tick">;

export interface TickingPools extends PoolGateway {
  /** The safety net of each minute. */
  tick(pool: string): Promise<void>;
}

export function createPoolGateway(objects: ObjectNamespace<Asked>, pools: readonly string[]): TickingPools {
  const ask = async <T>(pool: string, call: (object: Asked) => Promise<T>): Promise<T> => {
    const called = await callObject({ repeatable: true }, () => call(objects.getByName(pool)));
    if (called.kind === "answered") return called.value;
    throw new Error(`asking the scheduler of pool ${pool}`, { cause: called.cause });
  };
  return {
    pools,
    wake: (pool) => ask(pool, (object) => object.wake()),
    isRemoved: (pool, worker) => ask(pool, (object) => object.isRemoved(worker)),
    fleet: (pool, query) => ask(pool, (object) => object.fleet(query)),
    drain: (pool, worker) => ask(pool, (object) => object.drain(worker)),
    remove: (pool, worker) => ask(pool, (object) => object.remove(worker)),
    health: (pool) => ask(pool, (object) => object.health()),
    metrics: async () =>
      mergeMetrics(await Promise.all(pools.map((pool) => ask(pool, (object) => object.metricsText())))),
    tick: (pool) => ask(pool, (object) => object.tick()),
  };
}
