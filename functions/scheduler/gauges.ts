/** The pool in numbers, as it is now. */
import type { PoolGauges } from "../telemetry/metrics.ts";
import type { Pool } from "./pool.ts";

/** The workers of a pool, and all their slots. */
export type Fleet = Pick<PoolGauges, "workers" | "slots">;

/** `before`: the fleet as it was last known, for as long as this memory has heard of no worker; null: none is known. */
export function gaugesOf(pool: Pool, before: Fleet | null): PoolGauges {
  const used = registered(pool).reduce((sum, { candidate }) => sum + candidate.used, 0);
  const waiting = Array.from(pool.tenants.all.values()).reduce((sum, { items }) => sum + items.length, 0);
  return {
    ...(before !== null && registered(pool).length === 0 ? before : fleetOf(pool)),
    used,
    waiting,
    wanted: used + waiting,
  };
}

export function fleetOf(pool: Pool): Fleet {
  const workers = registered(pool);
  const draining = workers.filter((worker) => worker.draining).length;
  return {
    workers: { HEALTHY: workers.length - draining, DRAINING: draining, DEAD: pool.metrics.workersDead },
    slots: workers.reduce((sum, { candidate }) => sum + candidate.slots, 0),
  };
}

const registered = ({ ledger }: Pool) =>
  Array.from(ledger.workers.values()).filter(({ registration }) => registration !== null);
