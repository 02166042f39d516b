/** What a worker is told when its attempt is to end, with the pool that tells it. */
import type { Pool } from "../../schema/affinity.ts";
import type { Stop } from "../domain/demand.ts";
import type { Change, Workload } from "../domain/workload.ts";

export interface PoolStop {
  readonly pool: Pool;
  readonly stop: Stop;
}

/** None where no worker has it. */
export const stopOf = ({ pool, workloadId, workerId, generation }: Workload, why: Stop["why"]): PoolStop[] =>
  workerId === null ? [] : [{ pool, stop: { workerId, workload_id: workloadId, generation, why } }];

/** For the worker that had it before the step: it saves a checkpoint first, or gives the slot back at once. */
export function stopAfter(before: Workload, { next }: Pick<Change, "next">): PoolStop[] {
  if (next.intent !== null) return stopOf(before, "paused");
  return stopOf(before, next.status === "CANCELLED" ? "cancelled" : "fenced");
}
