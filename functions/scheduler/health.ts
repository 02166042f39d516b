/** Whether workers live: heartbeats, leases, and what each says it holds against what it should. */
import type { WorkerId } from "../../schema/ids.ts";
import type { Heartbeat, Held, Registration } from "../../schema/messages/to-coordinator.ts";
import { leaseVerdict, nextLeaseCheckAt } from "../domain/lease.ts";
import { type Attempt, type AttemptState, isLeased, type Worker } from "./ledger.ts";
import type { Pool } from "./pool.ts";

/** The worker as it now is; answers which of its attempts are over. */
export function register(pool: Pool, registration: Registration): Held[] {
  const { worker, isNew } = pool.ledger.enroll(registration, pool.deps.now());
  if (isNew) pool.rows.put(worker.workerId, "HEALTHY", "worker.registered", { slots: registration.slots });
  const fenced = reconcile(pool, worker, registration.held);
  pool.advance();
  return fenced;
}

/** Null: this worker is not known here (any more), it has to register. */
export function heartbeat(pool: Pool, beat: Heartbeat): Held[] | null {
  const worker = pool.ledger.workers.get(beat.worker_id);
  if (worker === undefined || worker.registration === null) return null;
  if (worker.suspect) pool.advance();
  if (beat.status === "DRAINING" && !worker.draining) pool.rows.put(worker.workerId, "DRAINING", null, {});
  worker.draining = beat.status === "DRAINING";
  return reconcile(pool, worker, beat.held);
}

/** A worker that left in order; whatever it still held is lost, and what was on its way to it never began. */
export function leave(pool: Pool, workerId: WorkerId): void {
  const worker = pool.ledger.workers.get(workerId);
  if (worker === undefined) return;
  pool.rows.put(workerId, "REMOVED", "worker.drained", {});
  loseAll(pool, worker, ["sent"]);
}

function reconcile(pool: Pool, worker: Worker, held: readonly Held[]): Held[] {
  renew(worker, pool.deps.now());
  worker.suspect = false;
  pool.ledger.listed(worker, held);
  const customers = pool.tenants.all.size;
  const listed = new Set(held.map(({ workload_id, generation }) => `${workload_id}/${generation}`));
  const changed = Array.from(worker.attempts).filter((attempt) => compare(pool, attempt, listed)).length;
  const fenced = held.filter((one) => isOver(pool, one));
  if (changed > 0 || pool.tenants.all.size > customers) pool.advance();
  return fenced;
}

/** What the worker no longer answers for is over here too; true when something changed. */
function compare(pool: Pool, attempt: Attempt, listed: ReadonlySet<string>): boolean {
  const isListed = listed.has(`${attempt.workloadId}/${attempt.generation}`);
  if (attempt.state === "unconfirmed" && isListed) attempt.state = "held";
  else if (!isListed && attempt.state !== "sent" && attempt.state !== "reserved") {
    lose(pool, attempt, []);
    return true;
  }
  return false;
}

/** Held by the worker, and by nobody's account of ours. Who is not asked yet may still say otherwise. */
function isOver(pool: Pool, held: Held): boolean {
  const attempt = pool.ledger.find(held);
  if (attempt !== undefined) return attempt.state === "stopping";
  const tenant = pool.tenants.get(held.customer_id);
  return tenant.attached && !tenant.busy;
}

/** Told also of what was to stop, or whose end is to be written: where it was over, it changes nothing. */
function lose(pool: Pool, attempt: Attempt, unbegun: readonly AttemptState[]): void {
  const { workloadId, generation, workerId, customerId, state, started } = attempt;
  pool.ledger.free(attempt);
  // Written, but its worker never had it: nothing has begun, and nobody died of it.
  const isUnbegun = (state === "unconfirmed" && !started) || unbegun.includes(state);
  const why = isUnbegun ? "unanswered" : "worker_lost";
  pool.tenants.get(customerId).losses.push({ workloadId, generation, workerId, why });
}

/** After a time of deafness nobody's silence means anything: every lease begins anew. */
export function renewLeases({ ledger, deps }: Pool): void {
  for (const worker of ledger.workers.values()) renew(worker, deps.now());
}

function renew(worker: Worker, now: number): void {
  worker.lastSeenAt = now;
  worker.missed = false;
}

/** Looks at every lease that matters. Without a broker nobody is heard: then the leases wait, and begin anew with it. */
export function checkLeases(pool: Pool): void {
  const { terms, now, log } = pool.deps;
  if (!pool.link.isConnected()) return;
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

const leased = ({ ledger }: Pool): Worker[] => Array.from(ledger.workers.values()).filter(isLeased);

function bury(pool: Pool, worker: Worker): void {
  pool.deps.log.warn({ worker_id: worker.workerId, held: worker.attempts.size }, "worker is dead: its lease is over");
  pool.metrics.workerDied();
  pool.rows.put(worker.workerId, "DEAD", "worker.marked_dead", { held: worker.attempts.size });
  loseAll(pool, worker, []);
}

/** Reservations of a dead worker are found when they are written: then its dispatch has nowhere to go. */
function loseAll(pool: Pool, worker: Worker, unbegun: readonly AttemptState[]): void {
  for (const attempt of [...worker.attempts]) if (attempt.state !== "reserved") lose(pool, attempt, unbegun);
  pool.ledger.removeWorker(worker.workerId);
  pool.advance();
}
