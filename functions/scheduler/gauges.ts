/** The pool in numbers, as it is now. */
import type { PoolGauges } from "../telemetry/metrics.ts";
import type { Pool } from "./pool.ts";

export function gaugesOf({ ledger, tenants }: Pool): PoolGauges {
  const workers = Array.from(ledger.workers.values()).filter(({ registration }) => registration !== null);
  const draining = workers.filter((worker) => worker.draining).length;
  const used = workers.reduce((sum, { candidate }) => sum + candidate.used, 0);
  const waiting = Array.from(tenants.all.values()).reduce((sum, { items }) => sum + items.length, 0);
  return {
    workers: { HEALTHY: workers.length - draining, DRAINING: draining },
    slots: workers.reduce((sum, { candidate }) => sum + candidate.slots, 0),
    used,
    waiting,
    wanted: used + waiting,
  };
}
