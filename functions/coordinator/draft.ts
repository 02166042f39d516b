/** One exchange's decisions, each on top of those before it, before any of them is written. */
import type { Pool } from "../../schema/affinity.ts";
import type { WorkerId, WorkloadId } from "../../schema/ids.ts";
import { exchangeDispatchBytesMax } from "../../schema/limits.ts";
import type { EventOutcome } from "../../schema/messages/worker-events.ts";
import { isHeld } from "../../schema/status.ts";
import type { Exchange, Placement, WorkerReport } from "../domain/demand.ts";
import { areEqualBounds } from "../domain/queue-line.ts";
import type { Decision, Moment } from "../domain/step.ts";
import { neverHeld, place, report } from "../domain/transition.ts";
import type { Change, Workload } from "../domain/workload.ts";
import type { LogBatch } from "../store/store.ts";
import type { CoordinatorDeps, Session } from "./session.ts";

/** Believes none of it yet: the book learns of what was written only. */
export class Draft {
  readonly changes: Change[] = [];
  readonly logs: LogBatch[] = [];
  readonly #session: Session;
  readonly #deps: CoordinatorDeps;
  readonly #pool: Pool;
  readonly #found: Map<WorkloadId, Workload>;
  #held: number;
  #dispatchBytes = 0;

  private constructor(deps: CoordinatorDeps, session: Session, pool: Pool, found: readonly Workload[]) {
    this.#deps = deps;
    this.#session = session;
    this.#pool = pool;
    this.#found = new Map(found.map((workload) => [workload.workloadId, workload]));
    this.#held = session.book.heldCount;
  }

  /** Reads what is not in mind: attempts of workloads that are over, paused, or beyond the window. */
  static async open(deps: CoordinatorDeps, session: Session, incoming: Exchange): Promise<Draft> {
    const ids = [
      ...incoming.reports.map(({ event }) => event.workload_id),
      ...incoming.losses.map(({ workloadId }) => workloadId),
      ...incoming.placements.map(({ workloadId }) => workloadId),
    ];
    const missing = [...new Set(ids.filter((id) => session.book.get(id) === undefined))];
    const found = missing.length === 0 ? [] : await deps.store.find(deps.customerId, missing);
    return new Draft(deps, session, incoming.pool, found);
  }

  /**
   * A result that differs from the one which stands, of the same generation, is answered `duplicate` like the same one
   * again: results are not kept in mind to compare with, and the first stays (I11).
   */
  report(item: WorkerReport): EventOutcome {
    const { event } = item;
    const outcome = (kind: EventOutcome["outcome"], reason?: string): EventOutcome => ({
      event_id: event.event_id,
      outcome: kind,
      ...(reason === undefined ? {} : { reason }),
    });
    if (event.kind === "logs") return outcome(this.#log(item.workerId, event));
    const decision = this.take(event.workload_id, (workload, moment) => report(workload, item, moment));
    if (decision.kind === "refused") return outcome("refused", decision.reason);
    if (decision.kind === "fenced") this.#countFenced();
    return outcome(decision.kind === "change" ? "committed" : decision.kind);
  }

  take(id: WorkloadId, decide: (workload: Workload, moment: Moment) => Decision): Decision {
    const workload = this.#now(id);
    if (workload === undefined) return neverHeld;
    const decision = decide(workload, { now: this.#deps.now(), random: this.#deps.random() });
    if (decision.kind === "change") this.#accept(decision.change);
    return decision;
  }

  /** False when the slot is not used: it waits no longer, or not for that; the cap is reached; this answer is large enough. */
  place({ workloadId, workerId, affinity }: Placement): boolean {
    const workload = this.#now(workloadId);
    const { suspended, limits } = this.#session.customer;
    if (workload === undefined || suspended || this.#held >= limits.runningMax) return false;
    if (workload.pool !== this.#pool || !areEqualBounds(workload.affinity, affinity ?? null)) return false;
    const bytes = this.#dispatchBytes + workload.inputBytes;
    if (bytes > exchangeDispatchBytesMax) return false;
    const isPlaced = this.take(workloadId, (workload, moment) => place(workload, workerId, moment)).kind === "change";
    if (isPlaced) this.#dispatchBytes = bytes;
    return isPlaced;
  }

  #log(
    workerId: WorkerId,
    { workload_id, generation, lines }: Extract<WorkerReport["event"], { kind: "logs" }>,
  ): EventOutcome["outcome"] {
    const workload = this.#now(workload_id);
    if (workload === undefined || generation > workload.generation) return "refused";
    const isItsOwn = workerId === (workload.workerId ?? workload.lastWorkerId);
    if (generation < workload.generation || !isItsOwn) {
      this.#countFenced();
      return "fenced";
    }
    this.logs.push({ workloadId: workload_id, generation, lines });
    return "committed";
  }

  #now(id: WorkloadId): Workload | undefined {
    return this.#found.get(id) ?? this.#session.book.get(id);
  }

  #accept(change: Change): void {
    this.changes.push(change);
    this.#found.set(change.next.workloadId, change.next);
    this.#held += Number(change.next.workerId !== null) - Number(isHeld(change.from.status));
  }

  #countFenced(): void {
    this.#session.samples.add({ counter: "niyanta_fenced_writes_total", labels: {}, value: 1 });
  }
}
