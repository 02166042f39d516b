/** Takes submissions in: refuses what is not possible or has no room, and hands the rest to the next statement. */
import type { UsageView } from "../../schema/http/customer.ts";
import { admissionBytesMax } from "../../schema/limits.ts";
import { admit, submitRate, takenOver } from "../domain/admission.ts";
import type { Refusal } from "../domain/refusal.ts";
import { secondsUntil, tokensAt } from "../domain/token-bucket.ts";
import type { Lane } from "../lane.ts";
import type { SubmissionGroup } from "../store/store.ts";
import type { RateState, SubmitRequest } from "./gateway.ts";
import { GroupCommit } from "./group-commit.ts";
import { replayed, type SubmitResult } from "./persist.ts";
import { type CoordinatorDeps, type Leadership, type Session, unavailable } from "./session.ts";
import { newSubmission } from "./submission.ts";

export class Admission {
  readonly #deps: CoordinatorDeps;
  readonly #leadership: Leadership;
  readonly #commit: GroupCommit;

  constructor(deps: CoordinatorDeps, leadership: Leadership, lane: Lane) {
    this.#deps = deps;
    this.#leadership = leadership;
    this.#commit = new GroupCommit(deps, leadership, lane);
  }

  /** Resolves when the submissions are committed, or refused as one. */
  async submit(session: Session, request: SubmitRequest): Promise<SubmitResult> {
    const now = this.#deps.now();
    const refusal = this.#refusal(session, request);
    if (refusal !== null) return refused(session, refusal, request.bodies.length);
    const admission = admit({
      queuedCount: session.book.queuedCount + session.entering + this.#commit.rows,
      limits: session.customer.limits,
      items: request.bodies.length,
      bucket: session.bucket,
      now,
      slotsFreedPerSecond: session.slotsFreed.perSecond(now),
    });
    if (!admission.ok)
      return (await this.#replay(request)) ?? refused(session, admission.refusal, request.bodies.length);
    session.bucket = admission.bucket;
    return this.#commit.add(this.#group(session, request, now));
  }

  /** Of a new leadership, before anybody uses it: it will write what was admitted under the one before (I22). */
  takeOver(session: Session): void {
    const { bucket, customer } = session;
    session.bucket = takenOver(this.#commit.rows, { bucket, limits: customer.limits, now: this.#deps.now() });
  }

  /** Workloads that are admitted and not written yet. */
  get waiting(): number {
    return this.#commit.rows;
  }

  /** Among them is one of this type. */
  isWaiting(workloadType: string): boolean {
    return this.#commit.holds(workloadType);
  }

  /** A request that was taken already is not refused for want of room: its answer was lost, and is given again. */
  async #replay({ idempotency }: SubmitRequest): Promise<SubmitResult | null> {
    if (idempotency === null) return null;
    const { store, customerId, now } = this.#deps;
    const known = await this.#leadership.beside(() => store.submittedUnder(customerId, idempotency, now()));
    if (!known.ok || known.value === null) return null;
    if (known.value.kind === "conflict") return { ok: false, refusal: { kind: "idempotency_conflict" } };
    return { ok: true, value: known.value.submitted.map(replayed) };
  }

  #refusal({ customer }: Session, { bodies }: SubmitRequest): Refusal | null {
    if (customer.suspended) return { kind: "customer_suspended" };
    for (const [item, { workload_type: workloadType, pool }] of bodies.entries()) {
      if (!customer.types.has(workloadType)) return { kind: "unknown_workload_type", workloadType, item };
      if (!this.#deps.poolNames.includes(pool)) return { kind: "unknown_pool", pool };
    }
    // The memory of this object is the bound here: the queue's depth counts workloads, whatever their size.
    return this.#commit.bytes >= admissionBytesMax ? unavailable("database") : null;
  }

  /** Made at the very time that their tokens were taken at: a later leader counts them by it. */
  #group({ customer }: Session, { bodies, actor, idempotency }: SubmitRequest, now: number): SubmissionGroup {
    const { ids } = this.#deps;
    const submissions = bodies.map((body) => newSubmission(customer, body, { workloadId: ids.workload(), actor, now }));
    return { submissions, idempotency };
  }
}

function refused({ samples, lead }: Session, refusal: Refusal, value: number): SubmitResult {
  const labels = { customer: lead.customerId, status: refusal.kind };
  samples.add({ counter: "niyanta_workload_submissions_total", labels, value });
  return { ok: false, refusal };
}

/** What this customer makes use of now, by its coordinator's own count. */
export function usageOf(session: Session, now: number): UsageView {
  const { limit, remaining } = rateState(session, now);
  const { heldCount: running, queuedCount: queued } = session.book;
  return { running, queued, submit_tokens: limit === null ? null : remaining };
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
