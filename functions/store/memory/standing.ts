/** What an explanation, a list of checkpoints and a list of workers need, in memory. */
import type { CheckpointView } from "../../../schema/http/attempt.ts";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import { isQueued, type WorkloadEventType } from "../../../schema/status.ts";
import { isNotDue, type Recorded } from "../../domain/explain.ts";
import { lineKey } from "../../domain/queue-line.ts";
import type { Ahead, Place, StoredWorker, WorkerSelection } from "../store.ts";
import { type Rows, rowOf, rowsOf, type WorkerRow } from "./rows.ts";

export function countAhead(rows: Rows, customerId: CustomerId, place: Place, now: number): Ahead {
  const { queueRank, workloadId } = place;
  const due = rowsOf(rows, customerId).filter(({ workload }) => isQueued(workload.status) && !isNotDue(workload, now));
  const before = due.filter(({ workload }) => {
    if (workload.queueRank !== queueRank) return workload.queueRank < queueRank;
    return workload.workloadId < workloadId;
  });
  const inLine = before.filter(({ workload }) => lineKey(workload) === lineKey(place));
  return { inAll: before.length, inLine: inLine.length };
}

export function lastEvent(
  rows: Rows,
  customerId: CustomerId,
  id: WorkloadId,
  eventType: WorkloadEventType,
): Recorded | null {
  const found = rowOf(rows, customerId, id)?.audit.findLast(({ event_type }) => event_type === eventType);
  if (found === undefined) return null;
  const { actor_type: type, actor_id, generation, timestamp, details } = found;
  return { eventType, generation, actor: { type, id: actor_id }, at: Date.parse(timestamp), details };
}

export function listCheckpoints(rows: Rows, customerId: CustomerId, id: WorkloadId): CheckpointView[] | null {
  const row = rowOf(rows, customerId, id);
  if (row === undefined) return null;
  return row.checkpoints.toReversed().map(({ sequence, bytes, generation, createdAt }) => ({
    sequence,
    size_bytes: bytes,
    generation,
    created_at: new Date(createdAt).toISOString(),
  }));
}

export function selectWorkers({ workers }: Rows, selection: WorkerSelection): StoredWorker[] {
  const found = Array.from(workers.values(), storedOf).filter((worker) => isMeant(worker, selection));
  return found.sort((a, b) => (a.workerId < b.workerId ? 1 : -1)).slice(0, selection.limit);
}

const storedOf = ({ worker, registeredAt, updatedAt }: WorkerRow): StoredWorker => ({
  ...worker,
  registeredAt,
  updatedAt,
});

const isMeant = (
  { workerId, pool, status }: StoredWorker,
  { ids, pool: asked, statuses, before, except }: WorkerSelection,
): boolean =>
  (ids === undefined || ids.includes(workerId)) &&
  (asked === undefined || asked === pool) &&
  (statuses === undefined || statuses.includes(status)) &&
  (before === undefined || workerId < before) &&
  except?.includes(workerId) !== true;
