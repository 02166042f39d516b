/** What a customer's coordinator and a pool's scheduler tell each other: demands one way, placements the other. */
import type { Affinity, Pool } from "../../schema/affinity.ts";
import type { CustomerId, WorkerId, WorkloadId } from "../../schema/ids.ts";
import type { Assignment } from "../../schema/messages/assignment.ts";
import type { Resources } from "../../schema/messages/to-coordinator.ts";
import type { StopItem } from "../../schema/messages/to-worker.ts";
import type { EventOutcome, WorkerEvent } from "../../schema/messages/worker-events.ts";
import type { Sample } from "./sample.ts";

/** One workload that waits, with just what placement looks at. */
export interface DemandItem {
  readonly workloadId: WorkloadId;
  readonly workloadType: string;
  readonly queueRank: number;
  readonly affinity?: Affinity;
  readonly lastWorkerId?: WorkerId;
  readonly resources?: Resources;
}

/** The head of a customer's queue for one pool, in order for each type; replaces what was said before. */
export interface Demand {
  readonly items: readonly DemandItem[];
  /** Workloads of this customer wait, run or are due later: the pool keeps it in mind. */
  readonly active: boolean;
  /** When the next delayed workload is due, if that is all there is. */
  readonly wakeAt: number | null;
}

export interface Share {
  readonly weight: number;
  readonly runningMax: number;
}

export interface Placement {
  readonly workloadId: WorkloadId;
  readonly workerId: WorkerId;
  /** The rules that it was placed by: it may have others by now. */
  readonly affinity?: Affinity;
}

export interface Dispatch {
  readonly workerId: WorkerId;
  readonly assignment: Assignment;
}

export interface Stop extends StopItem {
  readonly workerId: WorkerId;
}

/** What a coordinator tells a pool after a commit. */
export interface Update {
  readonly customerId: CustomerId;
  readonly epoch: number;
  /** Rises with every update of one epoch: of two that cross on the way, the older demand is ignored. */
  readonly version: number;
  readonly share: Share;
  readonly demand: Demand;
  /** Committed assignments, to be sent to their workers. */
  readonly dispatch: readonly Dispatch[];
  /** Placements that were not used: the slots are free again. */
  readonly unused: readonly WorkloadId[];
  /** Attempts that are over for the coordinator while the worker may not know it yet. */
  readonly stops: readonly Stop[];
  readonly samples: readonly Sample[];
}

/** All that a coordinator knows of one pool; asked for when either side has lost its memory. */
export interface Standing {
  readonly update: Update;
  readonly held: readonly HeldAssignment[];
}

/** An assignment that stands in Postgres. */
export interface HeldAssignment {
  readonly workloadId: WorkloadId;
  readonly workloadType: string;
  readonly generation: number;
  readonly workerId: WorkerId;
  readonly started: boolean;
}

/** The end of an attempt that its worker did not report. */
export interface Loss {
  readonly workloadId: WorkloadId;
  readonly generation: number;
  readonly workerId: WorkerId;
  /** worker_removed: by the operator; no fault of the workload. */
  readonly why: "worker_lost" | "worker_removed" | "refused" | "unanswered";
}

export interface WorkerReport {
  readonly workerId: WorkerId;
  readonly event: WorkerEvent;
}

/** What a pool brings to a coordinator: reports first, then losses, then placements, in this order in one lane. */
export interface Exchange {
  readonly pool: Pool;
  readonly reports: readonly WorkerReport[];
  readonly losses: readonly Loss[];
  readonly placements: readonly Placement[];
}

/** `outcomes` in the order of the reports. */
export interface Exchanged {
  readonly outcomes: readonly EventOutcome[];
  readonly update: Update;
}

/** Asks for slots before anything is written: what is placed is reserved until the next update settles it. */
export interface PlaceRequest {
  readonly customerId: CustomerId;
  readonly epoch: number;
  readonly share: Share;
  readonly items: readonly DemandItem[];
}
