/** Writes the submissions of several requests with one statement, and tells what became of them. */
import type { Pool } from "../../schema/affinity.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { givenBack } from "../domain/admission.ts";
import type { Dispatch, Placement } from "../domain/demand.ts";
import { forecastStart } from "../domain/forecast.ts";
import type { Result } from "../domain/refusal.ts";
import type { Submission, Workload } from "../domain/workload.ts";
import { type GroupOutcome, StoreRejected, type SubmissionGroup, type Submitted } from "../store/store.ts";
import type { SubmittedWorkload } from "./gateway.ts";
import { latency } from "./measure.ts";
import { poolsOf, reserveSlots } from "./reserve.ts";
import { type CoordinatorDeps, type Session, written } from "./session.ts";
import { placedGroup } from "./submission.ts";
import { assignmentOf, updateOf } from "./update.ts";

export type SubmitResult = Result<readonly SubmittedWorkload[]>;

/** One answer a group. All that could be lost with this object is arranged for before the statement is sent. */
export async function persist(
  deps: CoordinatorDeps,
  session: Session,
  asked: readonly SubmissionGroup[],
): Promise<SubmitResult[]> {
  const workloads = workloadsOf(asked);
  wakeForFirstDue(deps, workloads);
  const placements = await reserveSlots(deps, session, workloads);
  const now = deps.now();
  const groups = asked.map((group) => placedGroup(group, placements, now));
  const outcomes = await insert(deps, session, groups, now);
  const created = groups.filter((_, at) => outcomes[at]?.kind === "created").flatMap((group) => group.submissions);
  recordCreated(session, created, now);
  giveBackTokens(session, workloads.length - created.length, deps.now());
  tellPools(deps, session, { workloads, created, placements });
  const forecast = forecaster(session, now);
  return groups.map((group, at) => resultOf(group, outcomes[at], forecast));
}

/** What was written is believed, and measured. */
export function recordCreated(session: Session, created: readonly Submission[], now: number): void {
  for (const { workload } of created) session.book.record(null, workload);
  measureSubmitted(session, created, now);
}

/** What was answered before, is in conflict, or cannot be stored was admitted and made nothing. */
function giveBackTokens(session: Session, items: number, now: number): void {
  const { bucket, customer } = session;
  session.bucket = givenBack(items, { bucket, limits: customer.limits, now });
}

type Forecast = (workload: Workload) => number | null;

/**
 * Now for what has a slot. What waits for its turn is forecast by those before it in its line and by how fast slots have
 * come free of late, never before its time; null: that is not known.
 */
function forecaster({ book, slotsFreed, customer }: Session, now: number): Forecast {
  const isAtCap = book.heldCount >= customer.limits.runningMax;
  return (workload) => {
    const { dueAt, scheduledAt, pool } = workload;
    if (scheduledAt !== null) return scheduledAt;
    const slots = book.ahead(workload) + (dueAt !== null && !isAtCap ? 0 : 1);
    const at = forecastStart(slots, slotsFreed.measuredFor(pool, isAtCap, now).slotsFreedPerSecond, now);
    return at === null ? null : Math.max(at, dueAt ?? at);
  };
}

const workloadsOf = (groups: readonly SubmissionGroup[]): Workload[] =>
  groups.flatMap(({ submissions }) => submissions.map(({ workload }) => workload));

function wakeForFirstDue(deps: CoordinatorDeps, workloads: readonly Workload[]): void {
  const first = workloads.reduce((at, { dueAt }) => Math.min(at, dueAt ?? at), Number.POSITIVE_INFINITY);
  if (Number.isFinite(first)) deps.wakeBy(first);
}

/** One group that Postgres will never take must not hold up the others: each is tried by itself. */
async function insert(
  deps: CoordinatorDeps,
  session: Session,
  groups: readonly SubmissionGroup[],
  now: number,
): Promise<readonly GroupOutcome[]> {
  try {
    return written(await deps.store.insert(session.lead, groups, now));
  } catch (error) {
    if (!(error instanceof StoreRejected)) throw error;
    if (groups.length === 1) {
      deps.log.error({ err: error, customer_id: session.lead.customerId }, "a submission cannot be stored");
      return [{ kind: "rejected" }];
    }
    const outcomes: GroupOutcome[] = [];
    for (const group of groups) outcomes.push(...(await insert(deps, session, [group], now)));
    return outcomes;
  }
}

function resultOf(group: SubmissionGroup, outcome: GroupOutcome | undefined, forecast: Forecast): SubmitResult {
  if (outcome === undefined) throw new Error("an insert answered for fewer groups than it got");
  if (outcome.kind === "conflict") return { ok: false, refusal: { kind: "idempotency_conflict" } };
  if (outcome.kind === "rejected") return { ok: false, refusal: { kind: "unstorable" } };
  if (outcome.kind === "replayed") return { ok: true, value: outcome.submitted.map(replayed) };
  return { ok: true, value: group.submissions.map(({ workload }) => submitted(workload, forecast(workload))) };
}

const submitted = ({ workloadId, createdAt }: Workload, estimatedStartAt: number | null): SubmittedWorkload => ({
  workloadId,
  createdAt,
  estimatedStartAt,
});

export const replayed = ({ workloadId, createdAt, runAt }: Submitted): SubmittedWorkload => ({
  workloadId,
  createdAt,
  estimatedStartAt: runAt !== null && runAt > createdAt ? runAt : null,
});

function measureSubmitted({ samples, lead }: Session, created: readonly Submission[], now: number): void {
  if (created.length === 0) return;
  const labels = { customer: lead.customerId, status: "accepted" };
  samples.add({ counter: "niyanta_workload_submissions_total", labels, value: created.length });
  for (const { workload } of created) if (workload.scheduledAt !== null) samples.add(latency(workload, now));
}

interface Written {
  readonly workloads: readonly Workload[];
  readonly created: readonly Submission[];
  readonly placements: ReadonlyMap<WorkloadId, Placement>;
}

/**
 * Also where nothing was created: a slot that was reserved for it is free again, and the pool that was asked may forget
 * the customer. What is handed out is a group commit at most, so it fits one update (see `limitRelations`).
 */
function tellPools(deps: CoordinatorDeps, session: Session, { workloads, created, placements }: Written): void {
  const settled = new Set(created.map(({ workload }) => workload.workloadId));
  const left = workloads.filter(({ workloadId }) => placements.has(workloadId) && !settled.has(workloadId));
  for (const pool of poolsOf(workloads)) {
    const dispatch = created.flatMap((submission) => dispatchOf(session, submission, pool));
    const unused = left.filter((workload) => workload.pool === pool).map(({ workloadId }) => workloadId);
    deps.background(deps.pool(pool).update(updateOf(session, pool, { dispatch, unused })));
  }
}

function dispatchOf(session: Session, { workload, input }: Submission, pool: Pool): Dispatch[] {
  if (workload.workerId === null || workload.pool !== pool) return [];
  return [{ workerId: workload.workerId, assignment: assignmentOf(session, workload, { input, checkpoint: null }) }];
}
