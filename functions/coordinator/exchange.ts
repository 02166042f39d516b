/** Takes in what a pool brings: workers' reports, then losses, then placements, decided in order and written at once. */
import type { EventOutcome } from "../../schema/messages/worker-events.ts";
import type { Dispatch, Exchange, Exchanged, WorkerReport } from "../domain/demand.ts";
import { lose } from "../domain/transition.ts";
import { type Applied, StoreRejected } from "../store/store.ts";
import { commit } from "./commit.ts";
import { Draft } from "./draft.ts";
import { measureChanges } from "./measure.ts";
import { tellOthers } from "./offer.ts";
import type { CoordinatorDeps, Session } from "./session.ts";
import { refillWindow, wakeFor } from "./timers.ts";
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
  for (const { next } of draft.changes) wakeFor(deps, session, next);
  await refillWindow(deps, session);
  tellOthers(deps, session, [incoming.pool], applied.entered);
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
    session.samples.addAll(alone.update.samples);
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
