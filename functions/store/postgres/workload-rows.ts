/** Rows of workloads as decisions see them. */
import { and, eq, type SQL, sql } from "drizzle-orm";
import type { CustomerId, WorkerId, WorkloadId } from "../../../schema/ids.ts";
import type { WorkloadStatus } from "../../../schema/status.ts";
import { workloads } from "../../../schema/tables/workloads.ts";
import { workloadsArchive } from "../../../schema/tables/workloads-archive.ts";
import type { Intent, Workload } from "../../domain/workload.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";

export const decisionColumns = {
  workloadId: workloads.workloadId,
  workloadType: workloads.workloadType,
  pool: workloads.pool,
  status: workloads.status,
  generation: workloads.generation,
  priority: workloads.priority,
  queueRank: workloads.queueRank,
  dueAt: workloads.dueAt,
  workerId: workloads.workerId,
  lastWorkerId: workloads.lastWorkerId,
  affinity: workloads.affinity,
  intent: workloads.intent,
  inputBytes: workloads.inputBytes,
  progressPercent: workloads.progressPercent,
  progressMessage: workloads.progressMessage,
  checkpointSequence: workloads.checkpointSequence,
  retryCount: workloads.retryCount,
  deathCount: workloads.deathCount,
  maxRetries: workloads.maxRetries,
  retryBaseMs: workloads.retryBaseMs,
  retryCapMs: workloads.retryCapMs,
  timeoutSeconds: workloads.timeoutSeconds,
  checkpointIntervalSec: workloads.checkpointIntervalSec,
  checkpointProgressPercent: workloads.checkpointProgressPercent,
  createdAt: workloads.createdAt,
  scheduledAt: workloads.scheduledAt,
  startedAt: workloads.startedAt,
  completedAt: workloads.completedAt,
};

/** Not yet sent: to be awaited, or sent with others in one batch. */
export const selectWorkloads = (db: Database, where: SQL | undefined) =>
  db.select(decisionColumns).from(workloads).where(where);
export type DecisionRow = Awaited<ReturnType<typeof selectWorkloads>>[number];

/** The table's checks guarantee what the casts say. */
export function toWorkload(row: DecisionRow): Workload {
  const { maxRetries, retryBaseMs, retryCapMs, timeoutSeconds, checkpointIntervalSec, checkpointProgressPercent } = row;
  return {
    workloadId: row.workloadId as WorkloadId,
    workloadType: row.workloadType,
    pool: row.pool,
    status: row.status as WorkloadStatus,
    generation: row.generation,
    priority: row.priority,
    queueRank: row.queueRank,
    dueAt: toMs(row.dueAt),
    workerId: row.workerId as WorkerId | null,
    lastWorkerId: row.lastWorkerId as WorkerId | null,
    affinity: row.affinity,
    intent: row.intent as Intent | null,
    inputBytes: row.inputBytes,
    progressPercent: row.progressPercent,
    progressMessage: row.progressMessage,
    checkpointSequence: row.checkpointSequence,
    retryCount: row.retryCount,
    deathCount: row.deathCount,
    policy: { maxRetries, retryBaseMs, retryCapMs, timeoutSeconds, checkpointIntervalSec, checkpointProgressPercent },
    createdAt: row.createdAt.getTime(),
    scheduledAt: toMs(row.scheduledAt),
    startedAt: toMs(row.startedAt),
    completedAt: toMs(row.completedAt),
  };
}

export const toMs = (time: Date | null): number | null => (time === null ? null : time.getTime());

export async function findWorkloads(
  db: Database,
  customerId: CustomerId,
  ids: readonly WorkloadId[],
): Promise<readonly Workload[]> {
  if (ids.length === 0) return [];
  const among = sql`${workloads.workloadId} = any(${sql.param(ids)}::text[])`;
  const rows = await attempt(
    "reading workloads",
    selectWorkloads(db, and(eq(workloads.customerId, customerId), among)),
  );
  return rows.map(toWorkload);
}

/** One row when this customer has this workload, or had it and it is archived. */
export const isThere = (db: Database, customerId: CustomerId, id: WorkloadId) => {
  const among = (table: typeof workloads | typeof workloadsArchive) =>
    db
      .select({ workloadId: table.workloadId })
      .from(table)
      .where(and(eq(table.customerId, customerId), eq(table.workloadId, id)));
  return among(workloads).unionAll(among(workloadsArchive));
};
