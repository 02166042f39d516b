/** Whether workers live: heartbeats, leases, and what each says it holds against what it should. */
import type { WorkerId } from "../../schema/ids.ts";
import type { Heartbeat, Held, Registration } from "../../schema/messages/to-coordinator.ts";
import { type LeaseVerdict, leaseVerdict, nextLeaseCheckAt } from "../domain/lease.ts";
import { believable, isOver, meetAll } from "./claims.ts";
import { type Attempt, type AttemptState, isLeased, type Worker } from "./ledger.ts";
import { sendOrder } from "./order.ts";
import type { Pool } from "./pool.ts";

/** The worker as it now is; answers which of its attempts are over. */
export function register(pool: Pool, registration: Registration): Held[] {
  const { worker, isNew } = pool.ledger.enroll(registration, pool.deps.now());
  if (pool.orders.isToDrain(worker.workerId)) drainAgain(pool, worker, registration.draining);
  if (isNew) pool.rows.put(worker.workerId, statusOf(worker), "worker.registered", { slots: registration.slots });
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
  if (pool.orders.isToDrain(worker.workerId)) drainAgain(pool, worker, worker.draining);
  return reconcile(pool, worker, beat.held);
}

const statusOf = ({ draining }: Worker) => (draining ? "DRAINING" : "HEALTHY");

/** The operator's word stands, also while the worker has not heard it. */
function drainAgain(pool: Pool, worker: Worker, hasHeard: boolean): void {
  worker.draining = true;
  if (!hasHeard) sendOrder(pool, worker.workerId, "drain");
}

/** A worker that left in order; whatever it still held is lost, and what was on its way to it never began. */
export function leave(pool: Pool, workerId: WorkerId): void {
  const worker = pool.ledger.workers.get(workerId);
  if (worker === undefined) return;
  pool.rows.put(workerId, "REMOVED", "worker.drained", {});
  pool.orders.drained(workerId);
  loseAll(pool, worker, { unbegun: ["sent"] });
}

function reconcile(pool: Pool, worker: Worker, claimed: readonly Held[]): Held[] {
  renew(worker, pool.deps.now());
  worker.suspect = false;
  const held = believable(pool, worker, claimed);
  pool.ledger.listed(worker, held);
  const listed = new Set(held.map(({ workload_id, generation }) => `${workload_id}/${generation}`));
  const changed = Array.from(worker.attempts).filter((attempt) => compare(pool, attempt, listed)).length;
  meetAll(pool, held);
  if (changed > 0) pool.advance();
  return held.filter((one) => isOver(pool, worker, one));
}

/** What the worker no longer answers for is over here too; true when something changed. */
function compare(pool: Pool, attempt: Attempt, listed: ReadonlySet<string>): boolean {
  const isListed = listed.has(`${attempt.workloadId}/${attempt.generation}`);
  if (attempt.state === "unconfirmed" && isListed) attempt.state = "held";
  else if (!isListed && attempt.state !== "sent" && attempt.state !== "reserved") {
    lose(pool, attempt, {});
    return true;
  }
  return false;
}

/** How attempts are lost; `unbegun`: the states in which the worker never had one. */
interface HowLost {
  readonly unbegun?: readonly AttemptState[];
  readonly why?: "worker_lost" | "worker_removed";
}

/** Told also of what was to stop, or whose end is to be written: where it was over, it changes nothing. */
function lose(pool: Pool, attempt: Attempt, { unbegun = [], why: lost = "worker_lost" }: HowLost): void {
  const { workloadId, generation, workerId, customerId, state, started } = attempt;
  pool.ledger.free(attempt);
  // Written, but its worker never had it: nothing has begun, and nobody died of it.
  const isUnbegun = (state === "unconfirmed" && !started) || unbegun.includes(state);
  const why = isUnbegun ? "unanswered" : lost;
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
export async function checkLeases(pool: Pool): Promise<void> {
  if (!pool.link.isConnected()) return;
  // What is heard while the broker is asked still counts; silence after this moment does not.
  const at = pool.deps.now();
  if (!isSomebodySilent(pool, at)) return;
  if (await pool.link.answers()) judgeAll(pool, at);
  else renewLeases(pool);
}

/** Asked already when a heartbeat is missed: an outage may be over again before a lease is, with its worker not yet back. */
const isSomebodySilent = (pool: Pool, at: number): boolean =>
  leased(pool).some((worker) => {
    const verdict = verdictOn(pool, worker, at);
    return verdict === "over" || (verdict === "missed" && !worker.missed);
  });

const verdictOn = ({ deps }: Pool, { lastSeenAt }: Worker, now: number): LeaseVerdict =>
  leaseVerdict({ ...deps.terms, lastAckAt: lastSeenAt, now });

function judgeAll(pool: Pool, at: number): void {
  for (const worker of leased(pool)) {
    const verdict = verdictOn(pool, worker, at);
    if (verdict === "over") bury(pool, worker);
    else if (verdict === "missed" && !worker.missed) {
      worker.missed = true;
      pool.deps.log.warn({ worker_id: worker.workerId }, "heartbeat missed");
      pool.rows.put(worker.workerId, statusOf(worker), "worker.heartbeat_missed", {});
    }
  }
}

/** While the broker is away no lease ends: then it is enough to look whether it is back. */
export function nextLeaseCheck(pool: Pool): number | null {
  const { terms, now } = pool.deps;
  const seen = leased(pool).map(({ lastSeenAt }) => lastSeenAt);
  if (pool.link.isConnected()) return nextLeaseCheckAt(terms, seen, now());
  return seen.length === 0 ? null : now() + terms.heartbeatMs;
}

const leased = ({ ledger }: Pool): Worker[] => Array.from(ledger.workers.values()).filter(isLeased);

function bury(pool: Pool, worker: Worker): void {
  pool.deps.log.warn({ worker_id: worker.workerId, held: worker.attempts.size }, "worker is dead: its lease is over");
  pool.metrics.workerDied();
  pool.rows.put(worker.workerId, "DEAD", "worker.marked_dead", { held: worker.attempts.size });
  loseAll(pool, worker, {});
}

/** Reservations of a dead worker are found when they are written: then its dispatch has nowhere to go. */
export function loseAll(pool: Pool, worker: Worker, how: HowLost): void {
  for (const attempt of [...worker.attempts]) if (attempt.state !== "reserved") lose(pool, attempt, how);
  pool.ledger.removeWorker(worker.workerId);
  pool.advance();
}
