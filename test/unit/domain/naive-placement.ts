/** Placement as the specification says it, with no index and no heap: slow, and plain enough to be believed. */
import type { DemandItem } from "../../../functions/domain/demand.ts";
import { fits, ownType, softScore } from "../../../functions/domain/fit.ts";
import type { Candidate, Placed, Waiting } from "../../../functions/domain/placement.ts";
import type { CustomerId } from "../../../schema/ids.ts";
import type { Pool } from "./pool-builder.ts";

type Rank = readonly (number | string | boolean)[];

function least<T>(all: readonly T[], rank: (one: T) => Rank): T | undefined {
  return [...all].sort((a, b) => compare(rank(a), rank(b)))[0];
}

function compare(a: Rank, b: Rank): number {
  for (const [index, left] of a.entries()) {
    const right = b[index] ?? left;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

const bestWorker = (
  item: DemandItem,
  customerId: CustomerId,
  candidates: readonly Candidate[],
): Candidate | undefined =>
  least(
    candidates.filter((candidate) => fits(item, candidate, customerId) === null),
    (candidate) => [
      -softScore(item, candidate),
      candidate.used / candidate.slots,
      candidate.workerId !== item.lastWorkerId,
      candidate.workerId,
    ],
  );

/** What a start on this worker takes from it. */
export function occupy(worker: Candidate, { workloadType, resources }: DemandItem, customerId: CustomerId): void {
  worker.used += 1;
  const type = ownType(customerId, workloadType);
  worker.running.set(type, (worker.running.get(type) ?? 0) + 1);
  worker.resourcesUsed.cpu_cores += resources?.cpu_cores ?? 0;
  worker.resourcesUsed.memory_mb += resources?.memory_mb ?? 0;
  worker.resourcesUsed.disk_mb += resources?.disk_mb ?? 0;
}

interface Option {
  readonly customer: Waiting;
  readonly item: DemandItem;
  readonly worker: Candidate;
}

/** The first workload of this customer that fits somewhere, unless the customer is at its cap. */
function optionOf(customer: Waiting, candidates: readonly Candidate[], started: ReadonlySet<string>): Option[] {
  if (customer.held >= customer.runningMax) return [];
  for (const item of customer.items) {
    const worker = started.has(item.workloadId) ? undefined : bestWorker(item, customer.customerId, candidates);
    if (worker !== undefined) return [{ customer, item, worker }];
  }
  return [];
}

const nextOption = ({ waiting, candidates }: Pool, started: ReadonlySet<string>): Option | undefined =>
  least(
    waiting.flatMap((customer) => optionOf(customer, candidates, started)),
    ({ customer, item }) => [customer.held / customer.weight, item.queueRank, customer.customerId],
  );

export function placeNaively(pool: Pool): Placed[] {
  const placed: Placed[] = [];
  const started = new Set<string>();
  for (let next = nextOption(pool, started); next !== undefined; next = nextOption(pool, started)) {
    const { customer, item, worker } = next;
    occupy(worker, item, customer.customerId);
    customer.held += 1;
    started.add(item.workloadId);
    placed.push({
      workloadId: item.workloadId,
      workerId: worker.workerId,
      customerId: customer.customerId,
      item,
    });
  }
  return placed;
}
