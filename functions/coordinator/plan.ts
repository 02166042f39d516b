/** What an operation comes to, decided workload by workload before anything of it is written. */
import type { WorkloadId } from "../../schema/ids.ts";
import { retryBytesMax } from "../../schema/limits.ts";
import { isQueued } from "../../schema/status.ts";
import { admit } from "../domain/admission.ts";
import { cancel, move, pause, resume } from "../domain/operation.ts";
import type { Refusal } from "../domain/refusal.ts";
import type { Decision, Moment } from "../domain/step.ts";
import type { TokenBucket } from "../domain/token-bucket.ts";
import type { Change, Submission, Workload } from "../domain/workload.ts";
import type { Action, OperateRequest, Operation } from "./gateway.ts";
import type { CoordinatorDeps, Session } from "./session.ts";
import { type PoolStop, stopAfter } from "./stop.ts";
import { retrySubmission } from "./submission.ts";

type Room = ReturnType<typeof admit>;

/** Changes and submissions never come together: a retry makes new workloads and changes none. */
export class Plan {
  readonly operations: Operation[] = [];
  readonly changes: Change[] = [];
  readonly stops: PoolStop[] = [];
  readonly submissions: Submission[] = [];
  /** How many come into the queue that were not in it. */
  entering = 0;
  /** Some of what the filter found is left for another request. */
  isCut = false;
  bucket: TokenBucket;
  readonly #deps: CoordinatorDeps;
  readonly #session: Session;
  readonly #request: OperateRequest;
  readonly #moment: Moment;
  readonly #queued: number;
  #bytes = 0;

  /** `waiting`: submissions that are admitted and not written yet. */
  constructor(deps: CoordinatorDeps, session: Session, request: OperateRequest, waiting: number) {
    this.#deps = deps;
    this.#session = session;
    this.#request = request;
    this.#moment = { now: deps.now(), random: deps.random() };
    this.#queued = session.book.queuedCount + waiting;
    this.bucket = session.bucket;
  }

  /** Null: nothing was possible, for whatever reason; a full queue or an empty bucket is the reason that is told. */
  get wholeRefusal(): Refusal | null {
    const refusals = this.operations.flatMap((one) => (one.outcome === "refused" ? [one.refusal] : []));
    if (refusals.length < this.operations.length) return null;
    return refusals.find(({ kind }) => noRoom.has(kind)) ?? null;
  }

  get isRefused(): boolean {
    return this.operations.length > 0 && this.operations.every(({ outcome }) => outcome === "refused");
  }

  take(workloadId: WorkloadId, workload: Workload | null): void {
    const { action } = this.#request;
    if (workload === null) this.#refuse(workloadId, { kind: "unknown_workload" });
    else if (action.kind === "retry") this.#retry(workload, action.fromCheckpoint);
    else this.#change(workload, action);
  }

  #change(workload: Workload, action: Exclude<Action, { kind: "retry" }>): void {
    const { workloadId, status } = workload;
    const decision = this.#decide(workload, action);
    if (decision.kind === "refused") this.#refuse(workloadId, { kind: "wrong_state", status, action: action.kind });
    else if (decision.kind === "change") this.#accept(workload, decision.change);
    else this.#note(workload, workload, "unchanged");
  }

  #decide(workload: Workload, action: Exclude<Action, { kind: "retry" }>): Decision {
    const { actor } = this.#request;
    if (action.kind === "cancel") return cancel(workload, actor, action.reason, this.#moment);
    if (action.kind === "pause") return pause(workload, actor, action.reason, this.#moment);
    if (action.kind === "resume") return resume(workload, actor, this.#moment);
    return move(workload, actor, action, this.#moment);
  }

  /** What comes back into the queue from a pause needs a place there, and no token. */
  #accept(workload: Workload, change: Change): void {
    const isEntering = workload.status === "PAUSED" && isQueued(change.next.status);
    const room = isEntering ? this.#room({ submitsPerSecond: null }) : null;
    if (room?.ok === false) {
      this.#refuse(workload.workloadId, room.refusal);
      return;
    }
    this.entering += Number(isEntering);
    this.changes.push(change);
    this.#note(workload, change.next, "done");
  }

  #note(before: Workload, after: Workload, outcome: "done" | "unchanged"): void {
    const { workloadId, status, generation, intent } = after;
    if (outcome === "done" || intent !== null) this.stops.push(...stopAfter(before, { next: after }));
    this.operations.push({ workloadId, outcome: intent === null ? outcome : "pending", status, generation });
  }

  #retry(workload: Workload, fromCheckpoint: boolean): void {
    const refusal = this.#retryRefusal(workload);
    if (refusal === null && this.#bytes + workload.inputBytes > retryBytesMax) {
      this.#leave(workload.workloadId);
      return;
    }
    const room = refusal === null ? this.#room({}) : { ok: false as const, refusal };
    if (room.ok) this.#repeat(workload, fromCheckpoint, room.bucket);
    else this.#refuse(workload.workloadId, room.refusal);
  }

  #repeat(workload: Workload, fromCheckpoint: boolean, bucket: TokenBucket): void {
    const { workloadId, status, generation } = workload;
    const retryId = this.#deps.ids.workload();
    const birth = { workloadId: retryId, actor: this.#request.actor, now: this.#moment.now };
    this.bucket = bucket;
    this.entering += 1;
    this.#bytes += workload.inputBytes;
    this.submissions.push(retrySubmission(this.#session.customer, workload, birth, fromCheckpoint));
    this.operations.push({ workloadId, outcome: "done", status, generation, retryId });
  }

  /** For another request: one answer would keep the lane, and everybody behind it, for too long. */
  #leave(workloadId: WorkloadId): void {
    if ("ids" in this.#request.targets) this.#refuse(workloadId, { kind: "retry_too_large", retryBytesMax });
    else this.isCut = true;
  }

  #retryRefusal({ status, workloadType, pool }: Workload): Refusal | null {
    if (status !== "FAILED" && status !== "CANCELLED") return { kind: "wrong_state", status, action: "retry" };
    if (!this.#session.customer.types.has(workloadType))
      return { kind: "unknown_workload_type", workloadType, item: 0 };
    return this.#deps.poolNames.includes(pool) ? null : { kind: "unknown_pool", pool };
  }

  #room(but: { submitsPerSecond?: null }): Room {
    const { customer, slotsFreed } = this.#session;
    const { now } = this.#moment;
    return admit({
      queuedCount: this.#queued + this.entering,
      limits: { ...customer.limits, ...but },
      items: 1,
      bucket: this.bucket,
      now,
      slotsFreedPerSecond: slotsFreed.perSecond(now),
    });
  }

  #refuse(workloadId: WorkloadId, refusal: Refusal): void {
    this.operations.push({ workloadId, outcome: "refused", refusal });
  }
}

const noRoom: ReadonlySet<Refusal["kind"]> = new Set([
  "queue_full",
  "rate_limited",
  "batch_exceeds_queue",
  "batch_exceeds_burst",
]);
