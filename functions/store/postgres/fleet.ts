/** Workers as the operator lists them: what their rows say, newest id first. */
import { and, desc, inArray, lt, type SQL, sql } from "drizzle-orm";
import type { WorkerId } from "../../../schema/ids.ts";
import type { WorkerStatus } from "../../../schema/status.ts";
import { workers } from "../../../schema/tables/workers.ts";
import type { StoredWorker, WorkerSelection } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";

export async function selectWorkers(db: Database, selection: WorkerSelection): Promise<readonly StoredWorker[]> {
  const query = db
    .select()
    .from(workers)
    .where(and(...conditions(selection)))
    .orderBy(desc(workers.workerId))
    .limit(selection.limit);
  return (await attempt("reading workers", query)).map(toStored);
}

function conditions({ ids, pool, statuses, before, except = [] }: WorkerSelection): (SQL | undefined)[] {
  return [
    ids === undefined ? undefined : sql`${workers.workerId} = any(${sql.param(ids)}::text[])`,
    pool === undefined ? undefined : sql`${workers.pool} = ${pool}`,
    statuses === undefined ? undefined : inArray(workers.status, [...statuses]),
    before === undefined ? undefined : lt(workers.workerId, before),
    except.length === 0 ? undefined : sql`${workers.workerId} <> all(${sql.param(except)}::text[])`,
  ];
}

/** The table's checks guarantee what the casts say. */
const toStored = (row: typeof workers.$inferSelect): StoredWorker => ({
  workerId: row.workerId as WorkerId,
  pool: row.pool,
  status: row.status as WorkerStatus,
  capabilities: row.capabilities,
  slots: row.slots,
  tags: row.tags,
  version: row.version,
  registeredAt: row.registeredAt.getTime(),
  updatedAt: row.updatedAt.getTime(),
});
