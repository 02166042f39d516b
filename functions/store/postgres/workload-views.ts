/** Rows of workloads as clients read them. */
import { and, eq, type SQL, sql } from "drizzle-orm";
import type { WorkloadView } from "../../../schema/http/workload.ts";
import type { CustomerId, WorkerId, WorkloadId } from "../../../schema/ids.ts";
import type { WorkloadStatus } from "../../../schema/status.ts";
import { workloads } from "../../../schema/tables/workloads.ts";
import { toView } from "../workload-view.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { jsonText, parseJson } from "./json-column.ts";
import { toMs } from "./workload-rows.ts";

const viewColumns = {
  workloadId: workloads.workloadId,
  workloadType: workloads.workloadType,
  status: workloads.status,
  priority: workloads.priority,
  progressPercent: workloads.progressPercent,
  progressMessage: workloads.progressMessage,
  workerId: workloads.workerId,
  pool: workloads.pool,
  labels: workloads.labels,
  input: jsonText(workloads.inputParams),
  result: jsonText(workloads.resultData),
  errorType: workloads.errorType,
  errorMessage: workloads.errorMessage,
  retryCount: workloads.retryCount,
  deathCount: workloads.deathCount,
  generation: workloads.generation,
  checkpointSequence: workloads.checkpointSequence,
  affinity: workloads.affinity,
  timeoutSeconds: workloads.timeoutSeconds,
  retriedFrom: workloads.retriedFrom,
  pendingAction: sql<WorkloadView["pending_action"]>`${workloads.intent} ->> 'kind'`,
  createdAt: workloads.createdAt,
  runAt: workloads.runAt,
  scheduledAt: workloads.scheduledAt,
  startedAt: workloads.startedAt,
  completedAt: workloads.completedAt,
  updatedAt: workloads.updatedAt,
};

/** Not yet sent: to be narrowed, or sent with others in one batch. */
export const selectViews = (db: Database, where: SQL | undefined) =>
  db.select(viewColumns).from(workloads).where(where);
export type ViewRow = Awaited<ReturnType<typeof selectViews>>[number];

/** The table's checks guarantee what the casts say. */
export const viewOf = (customerId: CustomerId, row: ViewRow): WorkloadView =>
  toView({
    ...row,
    customerId,
    workloadId: row.workloadId as WorkloadId,
    status: row.status as WorkloadStatus,
    workerId: row.workerId as WorkerId | null,
    retriedFrom: row.retriedFrom as WorkloadId | null,
    input: parseJson(row.input),
    result: parseJson(row.result),
    error: row.errorType === null ? null : { type: row.errorType, message: row.errorMessage ?? "" },
    createdAt: row.createdAt.getTime(),
    runAt: toMs(row.runAt),
    scheduledAt: toMs(row.scheduledAt),
    startedAt: toMs(row.startedAt),
    completedAt: toMs(row.completedAt),
    updatedAt: row.updatedAt.getTime(),
  });

export async function readWorkload(db: Database, customerId: CustomerId, id: WorkloadId): Promise<WorkloadView | null> {
  const query = selectViews(db, and(eq(workloads.customerId, customerId), eq(workloads.workloadId, id)));
  const [row] = await attempt("reading a workload", query);
  return row === undefined ? null : viewOf(customerId, row);
}
