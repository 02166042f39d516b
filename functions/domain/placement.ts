/** Which worker takes a workload, and which customer goes next: pure, over plain data. */
import type { Tags } from "../../schema/affinity.ts";
import type { CustomerId, WorkerId } from "../../schema/ids.ts";
import type { Resources } from "../../schema/messages/to-coordinator.ts";
import type { DemandItem, Placement } from "./demand.ts";

/** A worker as placement sees it; `used`, `running` and `resourcesUsed` are raised by what a pass places. */
export interface Candidate {
  readonly workerId: WorkerId;
  readonly capabilities: ReadonlySet<string>;
  readonly tags: Tags;
  readonly slots: number;
  used: number;
  /** Workloads by type that run here or are on their way. */
  readonly running: Map<string, number>;
  readonly resources: Resources;
  readonly resourcesUsed: { cpu_cores: number; memory_mb: number; disk_mb: number };
}

/** A customer that waits in this pool; `held` is raised by what a pass places. */
export interface Waiting {
  readonly customerId: CustomerId;
  readonly weight: number;
  readonly runningMax: number;
  held: number;
  /** In order of queueRank. */
  readonly items: readonly DemandItem[];
}

export interface Placed extends Placement {
  readonly customerId: CustomerId;
  readonly item: DemandItem;
}
