/** Rows of workloads as clients read them. */
import { and, eq, type SQL, sql } from "drizzle-orm";
import type { WorkloadView } from "../../../schema/http/workload.ts";
import type { CustomerId, WorkerId, WorkloadId } from "../../../schema/ids.ts";
import type { WorkloadStatus } from "../../../schema/status.ts";
import { workloads } from "../../../schema/tables/workloads.ts";
import { workloadsArchive } from "../../../schema/tables/workloads-archive.ts";
import { toView } from "../workload-view.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { jsonText, parseJson } from "./json-column.ts";
import { toMs } from "./workload-rows.ts";

/** Rows of the archive have all that clients read. */
const viewColumnsOf = (table: typeof workloads | typeof workloadsArchive) => ({
  workloadId: table.workloadId,
  workloadType: table.workloadType,
  status: table.status,
  priority: table.priority,
  progressPercent: table.progressPercent,
  progressMessage: table.progressMessage,
  workerId: table.workerId,
  pool: table.pool,
  labels: table.labels,
  input: jsonText(table.inputParams),
  result: jsonText(table.resultData),
  errorType: table.errorType,
  errorMessage: table.errorMessage,
  retryCount: table.retryCount,
  deathCount: table.deathCount,
  generation: table.generation,
  checkpointSequence: table.checkpointSequence,
  affinity: table.affinity,
  timeoutSeconds: table.timeoutSeconds,
  retriedFrom: table.retriedFrom,
  pendingAction: sql<WorkloadView["pending_action"]>`${table.intent} ->> 'kind'`,
  createdAt: table.createdAt,
  runAt: table.runAt,
  scheduledAt: table.scheduledAt,
  startedAt: table.startedAt,
  completedAt: table.completedAt,
  updatedAt: table.updatedAt,
});

const viewColumns = viewColumnsOf(workloads);
const archivedColumns = viewColumnsOf(workloadsArchive);

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

/** Where it is not, it may be in the archive: then everybody who asks for it by its id still reads it. */
export async function readWorkload(db: Database, customerId: CustomerId, id: WorkloadId): Promise<WorkloadView | null> {
  const query = selectViews(db, and(eq(workloads.customerId, customerId), eq(workloads.workloadId, id)));
  const [row] = await attempt("reading a workload", query);
  return row === undefined ? readArchived(db, customerId, id) : viewOf(customerId, row);
}

async function readArchived(db: Database, customerId: CustomerId, id: WorkloadId): Promise<WorkloadView | null> {
  const isIt = and(eq(workloadsArchive.customerId, customerId), eq(workloadsArchive.workloadId, id));
  const query = db.select(archivedColumns).from(workloadsArchive).where(isIt);
  const [row] = await attempt("reading an archived workload", query);
  return row === undefined ? null : viewOf(customerId, row);
}
