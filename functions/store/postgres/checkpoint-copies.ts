/** The checkpoint that a repeated workload starts from: as if made before its first attempt, with the bytes where they are. */
import { type SQL, sql } from "drizzle-orm";
import type { CustomerId } from "../../../schema/ids.ts";
import type { Submission } from "../../domain/workload.ts";
import { isoTime, recordset } from "./rows.ts";

interface OriginRow {
  readonly id: string;
  readonly origin: string;
  readonly sequence: number | null;
}

/** Of the submissions that repeat another workload. */
export const originsOf = (submissions: readonly Submission[]): OriginRow[] =>
  submissions.flatMap(({ workload, origin }) =>
    origin === null
      ? []
      : [{ id: workload.workloadId, origin: origin.workloadId, sequence: origin.checkpointSequence }],
  );

/**
 * CTEs behind `inserted`; none where nothing is to be copied. The new row names the workload that has the bytes, at once
 * and not by way of others: what has ended keeps its rows, so the bytes stay.
 */
export function copyCheckpoints(customerId: CustomerId, submissions: readonly Submission[], now: number): SQL {
  const copies = originsOf(submissions).filter(({ sequence }) => sequence !== null);
  if (copies.length === 0) return sql.empty();
  return sql`,
    original as materialized (
      select c.id, k.*
      from ${recordset(copies, sql`c(id text, origin text, sequence int)`)}
      join inserted i on i.workload_id = c.id
      join checkpoints k on k.customer_id = ${customerId} and k.workload_id = c.origin and k.sequence = c.sequence),
    copied as (
      insert into checkpoints (
        customer_id, workload_id, sequence, generation, size_bytes, sha256, chunks, chunks_of, created_at)
      select customer_id, id, sequence, 0, size_bytes, sha256, chunks, coalesce(chunks_of, workload_id),
        ${isoTime(now)}::timestamptz
      from original)`;
}
