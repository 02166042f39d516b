/** What a coordinator tells a pool: the head of its queue, and what came of the last commit. */
import type { Pool } from "../../schema/affinity.ts";
import type { Json } from "../../schema/json.ts";
import { demandItemsMax } from "../../schema/limits.ts";
import type { Assignment, CheckpointRef } from "../../schema/messages/assignment.ts";
import type { Customer } from "../domain/customer.ts";
import type { Demand, DemandItem, HeldAssignment, Standing, Update } from "../domain/demand.ts";
import type { Workload } from "../domain/workload.ts";
import type { Book } from "./book.ts";
import type { Session } from "./session.ts";
import { shareOf } from "./share.ts";

export type Settled = Partial<Pick<Update, "dispatch" | "unused" | "stops">>;

/** Takes the measurements along: they are told once. */
export function updateOf(session: Session, pool: Pool, settled: Settled = {}): Update {
  session.version += 1;
  const { customer, lead, book } = session;
  return {
    customerId: lead.customerId,
    epoch: lead.epoch,
    version: session.version,
    share: shareOf(session, pool),
    demand: demandOf(book, customer, pool),
    dispatch: settled.dispatch ?? [],
    unused: settled.unused ?? [],
    stops: settled.stops ?? [],
    samples: session.samples.take(),
  };
}

export function demandOf(book: Book, customer: Customer, pool: Pool): Demand {
  const items = book.heads(pool, demandItemsMax).map((workload) => demandItem(workload, customer));
  const active = book.isActive(pool);
  const onlyDelayed = active && !book.isWaiting(pool) && book.heldCount === 0;
  return { items, active, wakeAt: onlyDelayed ? book.nextDueAt() : null };
}

export function demandItem(workload: Workload, customer: Customer): DemandItem {
  const resources = customer.types.get(workload.workloadType)?.resources;
  return {
    workloadId: workload.workloadId,
    workloadType: workload.workloadType,
    queueRank: workload.queueRank,
    ...(workload.affinity === null ? {} : { affinity: workload.affinity }),
    ...(workload.lastWorkerId === null ? {} : { lastWorkerId: workload.lastWorkerId }),
    ...(resources === undefined || Object.keys(resources).length === 0 ? {} : { resources }),
  };
}

export function standingOf(session: Session, pool: Pool): Standing {
  return { update: updateOf(session, pool), held: Array.from(session.book.held(pool)).flatMap(heldAssignment) };
}

function heldAssignment(workload: Workload): HeldAssignment[] {
  const { workloadId, workloadType, generation, workerId, status } = workload;
  return workerId === null ? [] : [{ workloadId, workloadType, generation, workerId, started: status === "RUNNING" }];
}

/** The message for the worker, from the committed workload and what its row gave. */
export function assignmentOf(
  session: Session,
  workload: Workload,
  given: { input: Json; checkpoint: CheckpointRef | null },
): Assignment {
  return {
    customer_id: session.lead.customerId,
    workload_id: workload.workloadId,
    generation: workload.generation,
    workload_type: workload.workloadType,
    input: given.input,
    config: session.customer.types.get(workload.workloadType)?.config ?? {},
    timeout_seconds: workload.policy.timeoutSeconds,
    checkpoint: given.checkpoint,
    checkpoint_interval_sec: workload.policy.checkpointIntervalSec,
    checkpoint_progress_percent: workload.policy.checkpointProgressPercent,
  };
}
