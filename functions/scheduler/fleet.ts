/** The pool's workers as the operator sees them, and what the operator may ask of one: to drain, or to be gone. */
import type { HeldState, HeldWorkload, WorkerView } from "../../schema/http/worker.ts";
import type { WorkerId } from "../../schema/ids.ts";
import type { FleetPage, FleetQuery } from "../domain/fleet-page.ts";
import type { WorkerRecord } from "../store/store.ts";
import { loseAll } from "./health.ts";
import { type Attempt, type AttemptState, isLeased, type Worker } from "./ledger.ts";
import { sendOrder } from "./order.ts";
import type { Pool } from "./pool.ts";

/** The workers that are there, newest id first. */
export function fleetPage({ ledger }: Pool, { before, status, workerId, limit }: FleetQuery): FleetPage {
  const live = [...ledger.workers.values()].filter(({ registration }) => registration !== null);
  const wanted = live.filter(
    (worker) =>
      (before === null || worker.workerId < before) &&
      (status === null || statusOf(worker) === status) &&
      (workerId === null || worker.workerId === workerId),
  );
  wanted.sort((a, b) => (a.workerId < b.workerId ? 1 : -1));
  return { live: live.map((worker) => worker.workerId), workers: wanted.slice(0, limit).flatMap(viewOf) };
}

const statusOf = ({ draining }: Worker) => (draining ? ("DRAINING" as const) : ("HEALTHY" as const));

function viewOf(worker: Worker): WorkerView[] {
  const { registration, candidate, lastSeenAt, unknown, attempts } = worker;
  if (registration === null) return [];
  return [
    {
      worker_id: worker.workerId,
      pool: registration.pool,
      status: statusOf(worker),
      capabilities: registration.capabilities,
      slots: registration.slots,
      slots_used: candidate.used + unknown.size,
      tags: registration.tags,
      version: registration.version,
      registered_at: null,
      last_seen_at: new Date(lastSeenAt).toISOString(),
      running: Array.from(attempts, heldView),
    },
  ];
}

const heldView = ({ workloadId, customerId, workloadType, generation, state }: Attempt): HeldWorkload => ({
  workload_id: workloadId,
  customer_id: customerId,
  workload_type: workloadType,
  generation,
  state: heldStateOf[state],
});

const heldStateOf: Readonly<Record<AttemptState, HeldState>> = {
  reserved: "promised",
  sent: "sent",
  held: "held",
  unconfirmed: "held",
  stopping: "ending",
  ended: "ending",
};

/** It gets nothing new from here on; that it hears of it may take until it speaks again. False: it is not there. */
export function drainWorker(pool: Pool, workerId: WorkerId): boolean {
  const { ledger, orders, rows, deps } = pool;
  const worker = ledger.workers.get(workerId);
  if (worker === undefined || !ledger.isRegistered(workerId)) return false;
  orders.give(workerId, "drain");
  // From now on its silence counts; a lease that nothing else holds begins with the order.
  if (!isLeased(worker)) worker.lastSeenAt = deps.now();
  if (!worker.draining) rows.put(workerId, "DRAINING", null, {});
  worker.draining = true;
  deps.wakeBy(deps.now() + deps.terms.leaseMs);
  sendOrder(pool, workerId, "drain");
  return true;
}

/** It is believed no more and may not come back; all that it held is lost, at once, and nobody died of it. */
export function removeWorker(pool: Pool, record: WorkerRecord): void {
  const { ledger, orders, rows, deps } = pool;
  const { workerId } = record;
  orders.give(workerId, "remove");
  const worker = ledger.workers.get(workerId);
  const held = worker?.attempts.size ?? 0;
  if (record.status !== "REMOVED") rows.putRecord({ ...record, status: "REMOVED" }, "worker.removed", { held });
  if (worker === undefined) return;
  deps.log.warn({ worker_id: workerId, held }, "a worker is removed by the operator");
  loseAll(pool, worker, { why: "worker_removed" });
  sendOrder(pool, workerId, "remove");
}
