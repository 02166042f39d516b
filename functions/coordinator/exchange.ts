/** Takes in what a pool brings: workers' reports, then losses, then placements, decided in order and written at once. */
import type { WorkerId, WorkloadId } from "../../schema/ids.ts";
import { timeoutGraceSeconds } from "../../schema/limits.ts";
import type { EventOutcome } from "../../schema/messages/worker-events.ts";
import { isQueued } from "../../schema/status.ts";
import type { Dispatch, Exchange, Exchanged, Placement, WorkerReport } from "../domain/demand.ts";
import { type Decision, deadlineOf, lose, type Moment, place, report } from "../domain/transition.ts";
import type { Change, Workload } from "../domain/workload.ts";
import { type Applied, type LogBatch, StoreRejected } from "../store/store.ts";
import { commit } from "./commit.ts";
import { measureChanges } from "./measure.ts";
import type { CoordinatorDeps, Session } from "./session.ts";
import { refillWindow } from "./timers.ts";
import { assignmentOf, updateOf } from "./update.ts";

export async function exchange(deps: CoordinatorDeps, session: Session, incoming: Exchange): Promise<Exchanged> {
  try {
    return await exchangeWhole(deps, session, incoming);
  } catch (error) {
    if (!(error instanceof StoreRejected) || incoming.reports.length === 0) throw error;
    return exchangeApart(deps, session, incoming, error);
  }
}

async function exchangeWhole(deps: CoordinatorDeps, session: Session, incoming: Exchange): Promise<Exchanged> {
  session.book.promote(deps.now());
  const draft = await Draft.open(deps, session, incoming);
  const outcomes = incoming.reports.map((item) => draft.report(item));
  for (const loss of incoming.losses) draft.take(loss.workloadId, (workload, moment) => lose(workload, loss, moment));
  const unused = incoming.placements.filter((placement) => !draft.place(placement)).map(({ workloadId }) => workloadId);
  const applied = await commit(deps, session, draft.changes, draft.logs);
  measureChanges(session, draft.changes, deps.now());
  for (const { next } of draft.changes) wakeForDeadline(deps, next);
  await refillWindow(deps, session);
  return {
    outcomes: markBroken(incoming.reports, outcomes, applied),
    update: updateOf(session, incoming.pool, { dispatch: dispatches(session, applied), unused }),
  };
}

/** One report that Postgres will never take must not hold up the others: each is tried by itself. */
async function exchangeApart(
  deps: CoordinatorDeps,
  session: Session,
  incoming: Exchange,
  cause: StoreRejected,
): Promise<Exchanged> {
  deps.log.error({ err: cause, customer_id: deps.customerId }, "reports are tried one by one");
  const outcomes: EventOutcome[] = [];
  for (const one of incoming.reports) outcomes.push(await reportAlone(deps, session, incoming, one));
  const rest = await exchangeWhole(deps, session, { ...incoming, reports: [] });
  return { outcomes, update: rest.update };
}

async function reportAlone(
  deps: CoordinatorDeps,
  session: Session,
  { pool }: Exchange,
  one: WorkerReport,
): Promise<EventOutcome> {
  const refused = { event_id: one.event.event_id, outcome: "refused" as const, reason: "cannot be stored" };
  try {
    const alone = await exchangeWhole(deps, session, { pool, reports: [one], losses: [], placements: [] });
    // Its update is not told; the next one takes the measurements along.
    session.samples.push(...alone.update.samples);
    return alone.outcomes[0] ?? refused;
  } catch (error) {
    if (!(error instanceof StoreRejected)) throw error;
    deps.log.error({ err: error, workload_id: one.event.workload_id }, "a report cannot be stored");
    return refused;
  }
}

function dispatches(session: Session, applied: Applied): Dispatch[] {
  return applied.scheduled.flatMap((given) => {
    const workload = session.book.get(given.workloadId);
    if (workload?.workerId == null) return [];
    return [{ workerId: workload.workerId, assignment: assignmentOf(session, workload, given) }];
  });
}

function markBroken(
  reports: readonly WorkerReport[],
  outcomes: readonly EventOutcome[],
  { brokenCheckpoints }: Applied,
): EventOutcome[] {
  const isBroken = ({ event }: WorkerReport) =>
    event.kind === "checkpoint" &&
    brokenCheckpoints.some(
      ({ workloadId, sequence }) => workloadId === event.workload_id && sequence === event.checkpoint.sequence,
    );
  return outcomes.map((outcome, index) => {
    const of = reports[index];
    if (of === undefined || !isBroken(of)) return outcome;
    return { ...outcome, outcome: "refused", reason: "the checkpoint is not whole" };
  });
}

function wakeForDeadline(deps: CoordinatorDeps, workload: Workload): void {
  const at = deadlineOf(workload, timeoutGraceSeconds) ?? (isQueued(workload.status) ? workload.dueAt : null);
  if (at !== null) deps.wakeBy(at);
}

/** Decides on top of what was decided before in the same batch, without believing any of it yet. */
class Draft {
  readonly changes: Change[] = [];
  readonly logs: LogBatch[] = [];
  readonly #session: Session;
  readonly #deps: CoordinatorDeps;
  readonly #found: Map<WorkloadId, Workload>;
  #held: number;

  private constructor(deps: CoordinatorDeps, session: Session, found: readonly Workload[]) {
    this.#deps = deps;
    this.#session = session;
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
    return new Draft(deps, session, missing.length === 0 ? [] : await deps.store.find(deps.customerId, missing));
  }

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
    if (workload === undefined) return { kind: "refused", reason: "no such workload" };
    const decision = decide(workload, { now: this.#deps.now(), random: this.#deps.random() });
    if (decision.kind === "change") this.#accept(decision.change);
    return decision;
  }

  /** False when the slot is not used: the workload no longer waits, or the customer's cap is reached. */
  place({ workloadId, workerId }: Placement): boolean {
    if (this.#held >= this.#session.customer.limits.runningMax) return false;
    return this.take(workloadId, (workload, moment) => place(workload, workerId, moment)).kind === "change";
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
    this.#held += Number(change.next.workerId !== null) - Number(holdsBefore(change));
  }

  #countFenced(): void {
    this.#session.samples.push({ counter: "niyanta_fenced_writes_total", labels: {}, value: 1 });
  }
}

const holdsBefore = ({ from }: Change) => from.status === "SCHEDULED" || from.status === "RUNNING";
