/** Takes submissions in: refuses what has no room, gathers what comes together, places before it persists. */
import type { Pool } from "../../schema/affinity.ts";
import type { SubmitBody } from "../../schema/http/submit.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { groupCommitRowsMax, waitBoostPerMinuteDefault } from "../../schema/limits.ts";
import { admit, submitRate } from "../domain/admission.ts";
import type { Customer } from "../domain/customer.ts";
import type { Dispatch, Placement } from "../domain/demand.ts";
import { queueRank } from "../domain/queue-rank.ts";
import type { Refusal, Result } from "../domain/refusal.ts";
import { secondsUntil, tokensAt } from "../domain/token-bucket.ts";
import { place } from "../domain/transition.ts";
import type { Actor, Submission, Workload } from "../domain/workload.ts";
import type { Lane } from "../lane.ts";
import { type GroupOutcome, StoreRejected, type SubmissionGroup, type Submitted } from "../store/store.ts";
import type { RateState, SubmitRequest, SubmittedWorkload } from "./gateway.ts";
import { latency } from "./measure.ts";
import { type CoordinatorDeps, type Leadership, type Session, written } from "./session.ts";
import { assignmentOf, demandItem, shareOf, updateOf } from "./update.ts";

export type SubmitResult = Result<readonly SubmittedWorkload[]>;

/** One request on its way into the next statement. */
interface Waiting {
  readonly group: SubmissionGroup;
  readonly settle: (result: SubmitResult) => void;
}

export class Admission {
  readonly #deps: CoordinatorDeps;
  readonly #leadership: Leadership;
  readonly #lane: Lane;
  #waiting: Waiting[] = [];
  #rows = 0;

  constructor(deps: CoordinatorDeps, leadership: Leadership, lane: Lane) {
    this.#deps = deps;
    this.#leadership = leadership;
    this.#lane = lane;
  }

  /** Resolves when the submissions are committed, or refused as one. */
  async submit(session: Session, request: SubmitRequest): Promise<SubmitResult> {
    const refusal = this.#refusal(session, request);
    if (refusal !== null) return this.#refused(session, refusal, request.bodies.length);
    const admission = admit({
      queuedCount: session.book.queuedCount + this.#rows,
      limits: session.customer.limits,
      items: request.bodies.length,
      bucket: session.bucket,
      now: this.#deps.now(),
    });
    if (!admission.ok) return this.#refused(session, admission.refusal, request.bodies.length);
    session.bucket = admission.bucket;
    return this.#enqueue({
      submissions: request.bodies.map((body) => this.#submission(session.customer, body, request.actor)),
      idempotency: request.idempotency,
    });
  }

  #refusal({ customer }: Session, { bodies }: SubmitRequest): Refusal | null {
    if (customer.suspended) return { kind: "customer_suspended" };
    for (const { workload_type: workloadType, pool } of bodies) {
      if (!customer.types.has(workloadType)) return { kind: "unknown_workload_type", workloadType };
      if (!this.#deps.poolNames.includes(pool)) return { kind: "unknown_pool", pool };
    }
    return null;
  }

  #refused(session: Session, refusal: Refusal, value: number): SubmitResult {
    const labels = { customer: session.lead.customerId, status: refusal.kind };
    session.samples.push({ counter: "niyanta_workload_submissions_total", labels, value });
    return { ok: false, refusal };
  }

  #enqueue(group: SubmissionGroup): Promise<SubmitResult> {
    const result = new Promise<SubmitResult>((settle) => this.#waiting.push({ group, settle }));
    this.#rows += group.submissions.length;
    if (this.#waiting.length === 1) this.#deps.background(this.#lane.run(() => this.#flush()));
    return result;
  }

  /** Whole requests, as many as make up one statement; one request alone may be larger. */
  #nextBatch(): Waiting[] {
    let rows = 0;
    const end = this.#waiting.findIndex(({ group }, index) => {
      rows += group.submissions.length;
      return index > 0 && rows > groupCommitRowsMax;
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  async #flush(): Promise<void> {
    const batch = this.#nextBatch();
    if (this.#waiting.length > 0) this.#deps.background(this.#lane.run(() => this.#flush()));
    try {
      await this.#flushBatch(batch);
    } finally {
      this.#rows -= batch.reduce((sum, { group }) => sum + group.submissions.length, 0);
    }
  }

  async #flushBatch(batch: readonly Waiting[]): Promise<void> {
    const result = await this.#leadership.within(async (session) => {
      const placements = await this.#place(session, batch);
      await this.#persist(session, batch, placements);
    });
    if (!result.ok) for (const { settle } of batch) settle(result);
  }

  /** Asks each pool for slots, but not where others of this customer wait already: they go first. */
  async #place(session: Session, batch: readonly Waiting[]): Promise<Map<WorkloadId, Placement>> {
    const now = this.#deps.now();
    const room = Math.max(0, session.customer.limits.runningMax - session.book.heldCount);
    const due = batch
      .flatMap(({ group }) => group.submissions.map(({ workload }) => workload))
      .filter(({ dueAt, pool }) => (dueAt === null || dueAt <= now) && !session.book.isWaiting(pool));
    const wanted = due.sort((a, b) => a.queueRank - b.queueRank).slice(0, room);
    const placed = await Promise.all(poolsOf(wanted).map((pool) => this.#ask(session, pool, wanted)));
    return new Map(placed.flat().map((placement) => [placement.workloadId, placement]));
  }

  async #ask(session: Session, pool: Pool, wanted: readonly Workload[]): Promise<readonly Placement[]> {
    const items = wanted
      .filter((workload) => workload.pool === pool)
      .map((workload) => demandItem(workload, session.customer));
    try {
      const { customerId, epoch } = session.lead;
      return await this.#deps.pool(pool).place({ customerId, epoch, share: shareOf(session.customer), items });
    } catch (error) {
      this.#deps.log.warn({ err: error, pool }, "the pool gave no slots; the workloads wait");
      return [];
    }
  }

  async #persist(
    session: Session,
    batch: readonly Waiting[],
    placements: ReadonlyMap<WorkloadId, Placement>,
  ): Promise<void> {
    const now = this.#deps.now();
    const groups = batch.map(({ group }) => placedGroup(group, placements, now));
    const outcomes = await this.#insert(session, groups, now);
    const created = groups
      .filter((_, index) => outcomes[index]?.kind === "created")
      .flatMap((group) => group.submissions);
    for (const { workload } of created) session.book.record(null, workload);
    for (const { workload } of created) if (workload.dueAt !== null) this.#deps.wakeBy(workload.dueAt);
    for (const [index, { settle }] of batch.entries()) settle(this.#result(groups[index], outcomes[index]));
    measureSubmitted(session, created, now);
    const asked = batch.flatMap(({ group }) => group.submissions.map(({ workload }) => workload));
    const placed = asked.filter(({ workloadId }) => placements.has(workloadId));
    this.#tellPools(session, created, placed);
  }

  async #insert(session: Session, groups: readonly SubmissionGroup[], now: number): Promise<readonly GroupOutcome[]> {
    try {
      return written(await this.#deps.store.insert(session.lead, groups, now));
    } catch (error) {
      if (!(error instanceof StoreRejected)) throw error;
      if (groups.length === 1) {
        this.#deps.log.error({ err: error, customer_id: session.lead.customerId }, "a submission cannot be stored");
        return [{ kind: "rejected" }];
      }
      const outcomes: GroupOutcome[] = [];
      for (const group of groups) outcomes.push(...(await this.#insert(session, [group], now)));
      return outcomes;
    }
  }

  #result(group: SubmissionGroup | undefined, outcome: GroupOutcome | undefined): SubmitResult {
    if (group === undefined || outcome === undefined)
      throw new Error("an insert answered for fewer groups than it got");
    if (outcome.kind === "conflict") return { ok: false, refusal: { kind: "idempotency_conflict" } };
    if (outcome.kind === "rejected") return { ok: false, refusal: { kind: "unstorable" } };
    if (outcome.kind === "replayed") return { ok: true, value: outcome.submitted.map(replayed) };
    return { ok: true, value: group.submissions.map(submitted) };
  }

  /** Also where nothing was created: a slot that was reserved for it is free again. */
  #tellPools(session: Session, created: readonly Submission[], placed: readonly Workload[]): void {
    const settled = new Set(created.map(({ workload }) => workload.workloadId));
    const unused = placed.map(({ workloadId }) => workloadId).filter((id) => !settled.has(id));
    for (const pool of poolsOf([...placed, ...created.map(({ workload }) => workload)])) {
      const dispatch = created.flatMap((submission) => dispatchOf(session, submission, pool));
      this.#deps.background(this.#deps.pool(pool).update(updateOf(session, pool, { dispatch, unused })));
    }
  }

  #submission(customer: Customer, body: SubmitBody, actor: Actor): Submission {
    const now = this.#deps.now();
    const runAt = body.run_at === undefined ? null : Date.parse(body.run_at);
    const workload = newWorkload(customer, body, this.#deps.ids.workload(), now, runAt);
    const audit = [{ eventType: "workload.created" as const, actor, generation: 0, at: now, details: {} }];
    return { workload, labels: body.labels, input: body.input_params, runAt, audit };
  }
}

function newWorkload(
  customer: Customer,
  body: SubmitBody,
  workloadId: WorkloadId,
  now: number,
  runAt: number | null,
): Workload {
  const type = customer.types.get(body.workload_type);
  if (type === undefined) throw new Error(`type ${body.workload_type} was there a moment ago`);
  return {
    workloadId,
    workloadType: body.workload_type,
    pool: body.pool,
    status: "PENDING",
    generation: 0,
    priority: body.priority,
    queueRank: queueRank(now, body.priority, customer.limits.weight, waitBoostPerMinuteDefault),
    dueAt: runAt !== null && runAt > now ? runAt : null,
    workerId: null,
    lastWorkerId: null,
    affinity: body.affinity_rules ?? null,
    progressPercent: 0,
    progressMessage: null,
    checkpointSequence: 0,
    retryCount: 0,
    deathCount: 0,
    policy: { ...type.policy, timeoutSeconds: body.timeout_seconds ?? type.policy.timeoutSeconds },
    createdAt: now,
    scheduledAt: null,
    startedAt: null,
    completedAt: null,
  };
}

/** Submissions whose slot is reserved come into being SCHEDULED: one statement instead of two. */
function placedGroup(
  group: SubmissionGroup,
  placements: ReadonlyMap<WorkloadId, Placement>,
  now: number,
): SubmissionGroup {
  return {
    ...group,
    submissions: group.submissions.map((submission) => placedSubmission(submission, placements, now)),
  };
}

function placedSubmission(
  submission: Submission,
  placements: ReadonlyMap<WorkloadId, Placement>,
  now: number,
): Submission {
  const placement = placements.get(submission.workload.workloadId);
  if (placement === undefined) return submission;
  const decision = place(submission.workload, placement.workerId, { now, random: 0 });
  if (decision.kind !== "change") return submission;
  return {
    ...submission,
    workload: decision.change.next,
    audit: [...submission.audit, ...decision.change.audit],
  };
}

function dispatchOf(session: Session, { workload, input }: Submission, pool: Pool): Dispatch[] {
  if (workload.workerId === null || workload.pool !== pool) return [];
  return [{ workerId: workload.workerId, assignment: assignmentOf(session, workload, { input, checkpoint: null }) }];
}

const poolsOf = (workloads: readonly Workload[]): Pool[] => [...new Set(workloads.map(({ pool }) => pool))];

/** A start that is certain to come is forecast: now for what has a slot, its time for what waits for it. */
const submitted = ({ workload, runAt }: Submission): SubmittedWorkload => ({
  workloadId: workload.workloadId,
  createdAt: workload.createdAt,
  estimatedStartAt: runAt ?? workload.scheduledAt,
});

const replayed = ({ workloadId, createdAt, runAt }: Submitted): SubmittedWorkload => ({
  workloadId,
  createdAt,
  estimatedStartAt: runAt,
});

function measureSubmitted(session: Session, created: readonly Submission[], now: number): void {
  if (created.length === 0) return;
  const labels = { customer: session.lead.customerId, status: "accepted" };
  session.samples.push({ counter: "niyanta_workload_submissions_total", labels, value: created.length });
  for (const { workload } of created)
    if (workload.scheduledAt !== null) session.samples.push(latency(workload.createdAt, now));
}

/** The state of the bucket that submissions are counted in. */
export function rateState({ bucket, customer }: Session, now: number): RateState {
  const rate = submitRate(customer.limits);
  if (rate === null) return { limit: null, remaining: 0, resetSeconds: 0 };
  return {
    limit: rate.burst,
    remaining: Math.max(0, Math.floor(tokensAt(bucket, now, rate))),
    resetSeconds: secondsUntil(rate.burst, bucket, now, rate),
  };
}
