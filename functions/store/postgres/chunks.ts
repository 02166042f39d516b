/** Bytes of checkpoints on their way: in from the worker that runs the attempt, out to the one that goes on. */
import { sql } from "drizzle-orm";
import type { Chunk, ChunkRequest } from "../../../schema/messages/to-coordinator.ts";
import type { Lead, Written } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { isLeader, type LeaderRow, leaderCte, notLeader, written } from "./leader.ts";
import { onlyRow } from "./rows.ts";

interface StoredRow extends LeaderRow {
  readonly holds: boolean;
}

interface FoundRow extends Record<string, unknown> {
  readonly holds: boolean;
  readonly data: string | null;
}

/** Whether the asker holds the workload `w` now (I1): its generation, its worker, a status that has one. */
const heldBy = ({ customer_id, workload_id, generation, worker_id }: ChunkRequest) => sql`
  w.customer_id = ${customer_id} and w.workload_id = ${workload_id} and w.generation = ${generation}
  and w.worker_id = ${worker_id} and w.status in ('SCHEDULED', 'RUNNING')`;

export async function putChunk(db: Database, lead: Lead, chunk: Chunk): Promise<Written<"stored" | "fenced">> {
  const statement = sql`
    with ${leaderCte(lead)},
    holder as (
      select w.workload_id from workloads w, leader
      where ${heldBy(chunk)} and w.customer_id = ${lead.customerId} for no key update of w),
    stored as (
      insert into checkpoint_chunks (customer_id, workload_id, sequence, generation, chunk_index, data)
      select ${lead.customerId}, workload_id, ${chunk.sequence}::int, ${chunk.generation}::int, ${chunk.index}::int,
        decode(${chunk.data}, 'base64')
      from holder
      on conflict do nothing)
    select ${isLeader}, exists (select from holder) as holds`;
  const row = onlyRow(await attempt("storing a checkpoint chunk", db.execute<StoredRow>(statement)));
  if (!row.leader) return notLeader;
  return written(row.holds ? "stored" : "fenced");
}

export async function getChunk(db: Database, request: ChunkRequest): Promise<Uint8Array | "fenced" | "unknown"> {
  const statement = sql`
    select exists (select from workloads w where ${heldBy(request)}) as holds, (
      select encode(b.data, 'base64')
      from checkpoints k join checkpoint_chunks b using (customer_id, workload_id, sequence, generation)
      where k.customer_id = ${request.customer_id} and k.workload_id = ${request.workload_id}
        and k.sequence = ${request.sequence} and b.chunk_index = ${request.index}
        and exists (select from workloads w where ${heldBy(request)})) as data`;
  const row = onlyRow(await attempt("reading a checkpoint chunk", db.execute<FoundRow>(statement)));
  if (!row.holds) return "fenced";
  return row.data === null ? "unknown" : Uint8Array.from(atob(row.data), (char) => char.charCodeAt(0));
}
