/** Sends committed assignments and stops to workers, and believes nothing that was not answered. */
import type { WorkerId } from "../../schema/ids.ts";
import { jsonBytes } from "../../schema/json.ts";
import { assignmentTriesMax, brokerReturnSecondsMax, messageBatchBytesMax } from "../../schema/limits.ts";
import type { Assignment, AssignmentAnswer } from "../../schema/messages/assignment.ts";
import { commandsSubject } from "../../schema/messages/subjects.ts";
import type { StopItem } from "../../schema/messages/to-worker.ts";
import type { BrokerAnswer } from "../broker/broker.ts";
import type { Dispatch, Loss, Stop } from "../domain/demand.ts";
import { type Attempt, isLeased } from "./ledger.ts";
import type { Pool } from "./pool.ts";

/** Between tries at a worker that the broker does not know: it may be connecting again. */
const retryWaitMs = 300;
const returnMsMax = brokerReturnSecondsMax * 1_000;
/** What an assignment weighs beside its input. */
const assignmentOverheadBytes = 512;

export function dispatchAll(pool: Pool, dispatches: readonly Dispatch[]): void {
  const expected = dispatches.filter((dispatch) => isToBeSent(pool, dispatch));
  for (const [workerId, own] of Map.groupBy(expected, (one) => one.workerId)) {
    const parts = partsOf(own.map(({ assignment }) => assignment));
    for (const assignments of parts) pool.deps.background(assign(pool, workerId, assignments));
  }
}

/** False: its slot was taken away meanwhile, and its coordinator is told so, or it is under way already. */
function isToBeSent(pool: Pool, { workerId, assignment }: Dispatch): boolean {
  const { ledger, tenants, orders } = pool;
  const { workload_id: workloadId, generation, customer_id: customerId } = assignment;
  const reservation = ledger.reservation(workloadId);
  const known = ledger.find(assignment);
  if (reservation !== undefined && orders.isRemoved(workerId)) return withdraw(pool, reservation, generation);
  if (reservation !== undefined) beginAttempt(pool, reservation, generation);
  // What its worker says that left before this arrives there does not mean that it was lost.
  else if (known?.state === "unconfirmed") known.state = "sent";
  else if (known === undefined)
    tenants.get(customerId).losses.push({ workloadId, generation, workerId, why: "unanswered" });
  return reservation !== undefined || known?.state === "sent";
}

/** Its worker was removed while the placement was written. */
function withdraw({ ledger, tenants }: Pool, reservation: Attempt, generation: number): false {
  const { workloadId, workerId, customerId } = reservation;
  ledger.free(reservation);
  tenants.get(customerId).losses.push({ workloadId, generation, workerId, why: "unanswered" });
  return false;
}

/** From here on the worker may have it; a lease that nothing else holds begins with the sending. */
function beginAttempt({ ledger, deps }: Pool, reservation: Attempt, generation: number): void {
  const worker = ledger.workers.get(reservation.workerId);
  if (worker !== undefined && !isLeased(worker)) worker.lastSeenAt = deps.now();
  ledger.settle(reservation, generation, "sent");
  deps.wakeBy(deps.now() + deps.terms.leaseMs);
}

/** Cut so that each part fits one message. */
function partsOf(assignments: readonly Assignment[]): Assignment[][] {
  const parts: Assignment[][] = [];
  let room = 0;
  for (const assignment of assignments) {
    const bytes = jsonBytes(assignment.input) + jsonBytes(assignment.config) + assignmentOverheadBytes;
    if (bytes > room || parts.length === 0) {
      parts.push([]);
      room = messageBatchBytesMax;
    }
    parts.at(-1)?.push(assignment);
    room -= bytes;
  }
  return parts;
}

async function assign(pool: Pool, workerId: WorkerId, assignments: readonly Assignment[]): Promise<void> {
  const answer = await tryAssign(pool, workerId, assignments);
  const answers = answer.type === "assign.answer" ? answer.payload.answers : [];
  hear(pool, workerId, answer.type === "assign.answer");
  const byId = new Map(answers.map((one) => [one.workload_id, one]));
  for (const assignment of assignments) settleAnswer(pool, workerId, assignment, byId.get(assignment.workload_id));
  pool.advance();
}

/** Up to three tries: an agent takes the same assignment twice as one. */
async function tryAssign(pool: Pool, workerId: WorkerId, assignments: readonly Assignment[]): Promise<BrokerAnswer> {
  const { deps, ledger, link } = pool;
  const message = { type: "assign" as const, payload: { assignments: [...assignments] } };
  let answer: BrokerAnswer = { type: "no_responders" };
  for (let attempt = 1; attempt <= assignmentTriesMax; attempt += 1) {
    answer = await link.request(commandsSubject(deps.name, workerId), message, deps.terms.assignmentTimeoutMs);
    if (answer.type === "assign.answer") return answer;
    hear(pool, workerId, false);
    if (answer.type === "no_responders" && isOtherwiseIdle(pool, workerId, assignments.length)) {
      if (pool.roll.isOlderThan(returnMsMax)) break;
      // The broker has just come back: so may this worker.
      await pool.roll.until(() => ledger.workers.get(workerId)?.suspect === false, returnMsMax);
      continue;
    }
    deps.log.warn({ worker_id: workerId, answer, attempt }, "assignment not answered");
    await new Promise((resolve) => setTimeout(resolve, retryWaitMs));
  }
  if (answer.type === "no_responders" && isOtherwiseIdle(pool, workerId, assignments.length)) {
    // It holds nothing else and is not there: it has gone while nobody looked.
    pool.rows.put(workerId, "DEAD", "worker.marked_dead", { reason: "not connected" });
    ledger.removeWorker(workerId);
  }
  return answer;
}

const isOtherwiseIdle = ({ ledger }: Pool, workerId: WorkerId, count: number): boolean =>
  (ledger.workers.get(workerId)?.attempts.size ?? 0) <= count;

/** Silence is no sign of life: it renews no lease, and keeps new work away until the worker is heard again. */
function hear({ ledger, deps }: Pool, workerId: WorkerId, answered: boolean): void {
  const worker = ledger.workers.get(workerId);
  if (worker === undefined) return;
  worker.suspect = !answered;
  if (answered) worker.lastSeenAt = deps.now();
}

function settleAnswer(
  pool: Pool,
  workerId: WorkerId,
  assignment: Assignment,
  answer: AssignmentAnswer | undefined,
): void {
  const { workload_id: workloadId, generation, customer_id: customerId } = assignment;
  const attempt = pool.ledger.find({ workload_id: workloadId, generation });
  if (attempt === undefined || attempt.state === "held" || attempt.state === "ended") return;
  if (answer?.accepted === true) {
    if (attempt.state !== "stopping") attempt.state = "held";
    return;
  }
  // One that is to stop is freed as well: where it was over, the news of it changes nothing.
  pool.ledger.free(attempt);
  const why: Loss["why"] = answer === undefined ? "unanswered" : "refused";
  pool.tenants.get(customerId).losses.push({ workloadId, generation, workerId, why });
}

export function stopAll(pool: Pool, stops: readonly Stop[]): void {
  for (const stop of stops) markStopping(pool, stop);
  for (const [workerId, own] of Map.groupBy(stops, (one) => one.workerId)) {
    const items: StopItem[] = own.map(({ workload_id, generation, why }) => ({ workload_id, generation, why }));
    pool.deps.background(stop(pool, workerId, items));
  }
}

/**
 * One that is only reserved here was taken back before its dispatch came: it will not be sent. One that pauses goes on: it
 * saves a checkpoint, and reports its end itself.
 */
function markStopping({ ledger }: Pool, { workload_id, generation, why }: Stop): void {
  if (why === "paused") return;
  const attempt = ledger.find({ workload_id, generation });
  if (attempt !== undefined && attempt.state !== "ended") attempt.state = "stopping";
  const reservation = ledger.reservation(workload_id);
  if (attempt === undefined && reservation !== undefined && isTakenBack(why)) ledger.free(reservation);
}

const isTakenBack = (why: Stop["why"]): boolean => why === "cancelled" || why === "fenced";

/** Not repeated for long: a worker that does not hear it is told with its next heartbeat, or loses its lease. */
async function stop({ deps, link }: Pool, workerId: WorkerId, items: StopItem[]): Promise<void> {
  const subject = commandsSubject(deps.name, workerId);
  const answer = await link.request(subject, { type: "stop", payload: { items } }, deps.terms.assignmentTimeoutMs);
  if (answer.type !== "ok") deps.log.warn({ worker_id: workerId, answer }, "stop not answered");
}
