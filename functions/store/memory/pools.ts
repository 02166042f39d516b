/** What a pool's scheduler asks and writes, in memory. */
import type { Pool } from "../../../schema/affinity.ts";
import type { CustomerId } from "../../../schema/ids.ts";
import { isTerminal } from "../../../schema/status.ts";
import type { PoolStore } from "../store.ts";
import { assertStorable, type Rows, rowsOf, takeEpoch } from "./rows.ts";

const poolScope = (pool: Pool): string => `pool:${pool}`;

export function poolStore(rows: Rows): PoolStore {
  const hasWork = (customerId: CustomerId, pool: Pool) =>
    rowsOf(rows, customerId).some(({ workload }) => workload.pool === pool && !isTerminal(workload.status));
  return {
    leadPool: async (pool) => takeEpoch(rows, poolScope(pool)),
    customersWithWork: async (pool) => [...rows.customers.keys()].filter((customerId) => hasWork(customerId, pool)),
    known: async (customerIds) => customerIds.filter((customerId) => rows.customers.has(customerId)),
    async putWorkers(pool, epoch, changes, now) {
      if (rows.epochs.get(poolScope(pool)) !== epoch) return { kind: "not_leader" };
      assertStorable(changes);
      for (const change of changes) putWorker(rows, pool, change, now);
      return { kind: "written", value: null };
    },
  };
}

function putWorker(rows: Rows, pool: Pool, change: Parameters<PoolStore["putWorkers"]>[2][number], now: number): void {
  const { worker, event, details } = change;
  const { audit = [], registeredAt = now } = rows.workers.get(worker.workerId) ?? {};
  rows.workers.set(worker.workerId, { worker: { ...worker, pool }, registeredAt, updatedAt: now, audit });
  if (event === null) return;
  audit.push({
    event_id: rows.nextEventId(),
    event_type: event,
    timestamp: new Date(now).toISOString(),
    actor_type: "coordinator",
    actor_id: poolScope(pool),
    generation: 0,
    details,
  });
}
