/** The checkpoints of one workload, newest first: what is known of them, never their bytes. */
import { and, desc, eq } from "drizzle-orm";
import type { CheckpointView } from "../../../schema/http/attempt.ts";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import { checkpoints } from "../../../schema/tables/workloads.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { isThere } from "./workload-rows.ts";

/** Null: no such workload of this customer. */
export async function readCheckpoints(
  db: Database,
  customerId: CustomerId,
  id: WorkloadId,
): Promise<readonly CheckpointView[] | null> {
  const kept = db
    .select({
      sequence: checkpoints.sequence,
      size_bytes: checkpoints.sizeBytes,
      generation: checkpoints.generation,
      createdAt: checkpoints.createdAt,
    })
    .from(checkpoints)
    .where(and(eq(checkpoints.customerId, customerId), eq(checkpoints.workloadId, id)))
    .orderBy(desc(checkpoints.sequence));
  const [there, rows] = await attempt("reading checkpoints", db.batch([isThere(db, customerId, id), kept]));
  if (there.length === 0) return null;
  return rows.map(({ createdAt, ...row }) => ({ ...row, created_at: createdAt.toISOString() }));
}
