/** Whether workers live: heartbeats, leases, and what each says it holds against what it should. */
import type { WorkerId } from "../../schema/ids.ts";
import type { Heartbeat, Held, Registration } from "../../schema/messages/to-coordinator.ts";
import { leaseVerdict, nextLeaseCheckAt } from "../domain/lease.ts";
import type { Attempt, Worker } from "./ledger.ts";
import type { Pool } from "./pool.ts";

/** The worker as it now is; answers which of its attempts are over. */
export function register(pool: Pool, registration: Registration): Held[] {
  const { worker, isNew } = pool.ledger.enroll(registration, pool.deps.now());
  if (isNew) pool.rows.put(worker.workerId, "HEALTHY", "worker.registered", { slots: registration.slots });
  return reconcile(pool, worker, registration.held);
}

/** Null: this worker is not known here (any more), it has to register. */
export function heartbeat(pool: Pool, beat: Heartbeat): Held[] | null {
  const worker = pool.ledger.workers.get(beat.worker_id);
  if (worker === undefined || worker.registration === null) return null;
  if (beat.status === "DRAINING" && !worker.draining) pool.rows.put(worker.workerId, "DRAINING", null, {});
  worker.draining = beat.status === "DRAINING";
  return reconcile(pool, worker, beat.held);
}

/** A worker that left in order; whatever it still held is lost. */
export function leave(pool: Pool, workerId: WorkerId): void {
  const worker = pool.ledger.workers.get(workerId);
  if (worker === undefined) return;
  pool.rows.put(workerId, "REMOVED", "worker.drained", {});
  loseAll(pool, worker);
}

function reconcile(pool: Pool, worker: Worker, held: readonly Held[]): Held[] {
  worker.lastSeenAt = pool.deps.now();
  worker.missed = false;
  const listed = new Set(held.map(({ workload_id, generation }) => `${workload_id}/${generation}`));
  for (const attempt of [...worker.attempts]) compare(pool, attempt, listed);
  const fenced = held.filter((one) => isOver(pool, one));
  pool.advance();
  return fenced;
}

function compare(pool: Pool, attempt: Attempt, listed: ReadonlySet<string>): void {
  const isListed = listed.has(`${attempt.workloadId}/${attempt.generation}`);
  if (attempt.state === "unconfirmed" && isListed) attempt.state = "held";
  else if (isListed) return;
  else if (attempt.state === "stopping") pool.ledger.free(attempt);
  else if (attempt.state !== "sent" && attempt.state !== "reserved") lose(pool, attempt);
}

/** Held by the worker, and by nobody's account of ours. Who is not asked yet may still say otherwise. */
function isOver(pool: Pool, held: Held): boolean {
  const attempt = pool.ledger.find(held);
  if (attempt !== undefined) return attempt.state === "stopping";
  const tenant = pool.tenants.get(held.customer_id);
  return tenant.attached && !tenant.busy;
}

function lose(pool: Pool, { workloadId, generation, workerId, customerId, ...attempt }: Attempt): void {
  const lost = pool.ledger.find({ workload_id: workloadId, generation });
  if (lost !== undefined) pool.ledger.free(lost);
  // An end that is still to be written may never be: told again, it changes nothing when it was.
  if (attempt.state === "stopping" || attempt.state === "reserved") return;
  // Written, but its worker never had it: nothing has begun, and nobody died of it.
  const why = attempt.state === "unconfirmed" && !attempt.started ? "unanswered" : "worker_lost";
  pool.tenants.get(customerId).losses.push({ workloadId, generation, workerId, why });
}

/** Looks at every lease that matters: only workers that hold something have one. */
export function checkLeases(pool: Pool): void {
  const { terms, now, log } = pool.deps;
  for (const worker of leased(pool)) {
    const verdict = leaseVerdict({ ...terms, lastAckAt: worker.lastSeenAt, now: now() });
    if (verdict === "over") bury(pool, worker);
    else if (verdict === "missed" && !worker.missed) {
      worker.missed = true;
      log.warn({ worker_id: worker.workerId }, "heartbeat missed");
      pool.rows.put(worker.workerId, "HEALTHY", "worker.heartbeat_missed", {});
    }
  }
}

export const nextLeaseCheck = (pool: Pool): number | null =>
  nextLeaseCheckAt(
    pool.deps.terms,
    leased(pool).map(({ lastSeenAt }) => lastSeenAt),
    pool.deps.now(),
  );

const leased = ({ ledger }: Pool): Worker[] =>
  Array.from(ledger.workers.values()).filter(({ attempts, draining }) => attempts.size > 0 || draining);

function bury(pool: Pool, worker: Worker): void {
  pool.deps.log.warn({ worker_id: worker.workerId, held: worker.attempts.size }, "worker is dead: its lease is over");
  pool.rows.put(worker.workerId, "DEAD", "worker.marked_dead", { held: worker.attempts.size });
  loseAll(pool, worker);
}

/** Reservations of a dead worker are found when they are written: then its dispatch has nowhere to go. */
function loseAll(pool: Pool, worker: Worker): void {
  for (const attempt of [...worker.attempts]) if (attempt.state !== "reserved") lose(pool, attempt);
  pool.ledger.removeWorker(worker.workerId);
  pool.advance();
}
