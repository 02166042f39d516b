/** Sends committed assignments and stops to workers, and believes nothing that was not answered. */
import type { WorkerId } from "../../schema/ids.ts";
import { assignmentTriesMax, messageBatchBytesMax } from "../../schema/limits.ts";
import type { Assignment, AssignmentAnswer } from "../../schema/messages/assignment.ts";
import { commandsSubject } from "../../schema/messages/subjects.ts";
import type { StopItem } from "../../schema/messages/to-worker.ts";
import type { BrokerAnswer } from "../broker/broker.ts";
import type { Dispatch, Loss, Stop } from "../domain/demand.ts";
import type { Attempt } from "./ledger.ts";
import type { Pool } from "./pool.ts";

/** Between tries at a worker that the broker does not know: it may be connecting again. */
const retryWaitMs = 300;
/** What an assignment weighs beside its input. */
const assignmentOverheadBytes = 512;

export function dispatchAll(pool: Pool, dispatches: readonly Dispatch[]): void {
  const expected = dispatches.filter(({ assignment }) => settled(pool, assignment) !== null);
  for (const [workerId, own] of Map.groupBy(expected, (one) => one.workerId)) {
    const parts = partsOf(own.map(({ assignment }) => assignment));
    for (const assignments of parts) pool.deps.background(assign(pool, workerId, assignments));
  }
}

/** The attempt that an assignment makes of its reservation; null: the slot was taken away meanwhile. */
function settled({ ledger, deps }: Pool, { workload_id, generation }: Assignment): Attempt | null {
  const reservation = ledger.reservation(workload_id);
  if (reservation !== undefined) {
    ledger.settle(reservation, generation, "sent");
    // From here on the worker may have it, so its lease is looked at; it begins with the sending.
    const worker = ledger.workers.get(reservation.workerId);
    if (worker !== undefined && worker.attempts.size === 1) worker.lastSeenAt = deps.now();
    deps.wakeBy(deps.now() + deps.terms.leaseMs);
    return reservation;
  }
  const recalled = ledger.find({ workload_id, generation });
  if (recalled?.state !== "unconfirmed") return null;
  // What its worker says that left before this arrives there does not mean that it was lost.
  recalled.state = "sent";
  return recalled;
}

/** Cut so that each part fits one message. */
function partsOf(assignments: readonly Assignment[]): Assignment[][] {
  const parts: Assignment[][] = [];
  let room = 0;
  for (const assignment of assignments) {
    const bytes = JSON.stringify(assignment.input).length * 2 + assignmentOverheadBytes;
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
  if (answer.type === "assign.answer") sawWorker(pool, workerId);
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
    // A try that may still arrive keeps the lease: the worker would count from its arrival.
    if (answer.type === "no_answer") sawWorker(pool, workerId);
    else if (isOtherwiseIdle(pool, workerId, assignments.length)) break;
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

function sawWorker({ ledger, deps }: Pool, workerId: WorkerId): void {
  const worker = ledger.workers.get(workerId);
  if (worker !== undefined) worker.lastSeenAt = deps.now();
}

function settleAnswer(
  pool: Pool,
  workerId: WorkerId,
  assignment: Assignment,
  answer: AssignmentAnswer | undefined,
): void {
  const { workload_id: workloadId, generation, customer_id: customerId } = assignment;
  const attempt = pool.ledger.find({ workload_id: workloadId, generation });
  if (attempt === undefined || (attempt.state !== "sent" && attempt.state !== "unconfirmed")) return;
  if (answer?.accepted === true) {
    attempt.state = "held";
    return;
  }
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

function markStopping({ ledger }: Pool, { workload_id, generation }: Stop): void {
  const attempt = ledger.find({ workload_id, generation });
  if (attempt !== undefined && attempt.state !== "ended") attempt.state = "stopping";
}

/** Not repeated for long: a worker that does not hear it is told with its next heartbeat, or loses its lease. */
async function stop({ deps, link }: Pool, workerId: WorkerId, items: StopItem[]): Promise<void> {
  const subject = commandsSubject(deps.name, workerId);
  const answer = await link.request(subject, { type: "stop", payload: { items } }, deps.terms.assignmentTimeoutMs);
  if (answer.type !== "ok") deps.log.warn({ worker_id: workerId, answer }, "stop not answered");
}
