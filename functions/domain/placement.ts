/** Which worker takes a workload, and which customer goes next: pure, over plain data. */
import type { Tags } from "../../schema/affinity.ts";
import type { CustomerId, WorkerId } from "../../schema/ids.ts";
import type { Resources } from "../../schema/messages/to-coordinator.ts";
import type { DemandItem, Placement } from "./demand.ts";
import { FairShare } from "./fair-share.ts";
import { Fleet } from "./fleet.ts";

/** A worker as placement sees it; `used`, `running` and `resourcesUsed` are raised by what a pass places. */
export interface Candidate {
  readonly workerId: WorkerId;
  readonly capabilities: ReadonlySet<string>;
  readonly tags: Tags;
  readonly slots: number;
  used: number;
  /** By `ownType`: workloads that run here or are on their way. */
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

/**
 * Places what fits, at most `limit` workloads. Again and again the customer that holds the least for its weight
 * (fair-share.ts) has its first workload placed on the best worker (fleet.ts), or passed over for this pass when none
 * fits: within a pass slots, resources and anti-affinity only get tighter, so what does not fit now will not later.
 * So every workload is tried once, and a pass leaves none that would fit while its customer is below its cap.
 * Candidates are HEALTHY and in this pool.
 */
export function placeAll(
  waiting: readonly Waiting[],
  candidates: readonly Candidate[],
  limit: number = Number.POSITIVE_INFINITY,
): Placed[] {
  const fleet = new Fleet(candidates);
  const queue = new FairShare(waiting);
  const placed: Placed[] = [];
  const isHopeless = ({ workloadType }: DemandItem) => fleet.isFull(workloadType);
  for (let turn = queue.first; turn !== undefined; turn = queue.first) {
    if (fleet.freeSlots === 0 || placed.length >= limit) break;
    const { customer, item } = turn;
    const worker = fleet.take(item, customer.customerId);
    if (worker !== null) {
      customer.held += 1;
      const { customerId } = customer;
      placed.push({ workloadId: item.workloadId, workerId: worker.workerId, customerId, item });
    }
    queue.advance(isHopeless);
  }
  return placed;
}
