/** The head of a customer's queue in memory. */
import { isQueued } from "../../../schema/status.ts";
import type { Workload } from "../../domain/workload.ts";
import type { QueueWindow } from "../store.ts";

const byId = (a: Workload, b: Workload): number => (a.workloadId < b.workloadId ? -1 : 1);

export function windowOf(all: readonly Workload[], windowMax: number, now: number): QueueWindow {
  const queued = all.filter(({ status }) => isQueued(status));
  const isLater = ({ status, dueAt }: Workload) => status === "PENDING" && dueAt !== null && dueAt > now;
  const ready = queued.filter((workload) => !isLater(workload));
  const delayed = queued.filter(isLater);
  ready.sort((a, b) => a.queueRank - b.queueRank || byId(a, b));
  delayed.sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || byId(a, b));
  return {
    ready: ready.slice(0, windowMax),
    delayed: delayed.slice(0, windowMax),
    readyMore: ready.length > windowMax,
    delayedMore: delayed.length > windowMax,
  };
}
