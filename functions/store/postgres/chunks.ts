/** Bytes of checkpoints on their way: in from the worker that runs the attempt, out to the one that goes on. */
import { sql } from "drizzle-orm";
import { checkpointStepMax } from "../../../schema/limits.ts";
import type { Chunk, ChunkRequest } from "../../../schema/messages/to-coordinator.ts";
import type { ChunkOutcome, Lead, Written } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { isLeader, type LeaderRow, leaderCte, notLeader, written } from "./leader.ts";
import { onlyRow } from "./rows.ts";

interface StoredRow extends LeaderRow {
  readonly holds: boolean;
  readonly isNext: boolean;
}

interface FoundRow extends Record<string, unknown> {
  readonly holds: boolean;
  readonly data: string | null;
}

/** Whether the asker holds the workload `w` now (I1): its generation, its worker, a status that has one. */
const heldBy = ({ customer_id, workload_id, generation, worker_id }: ChunkRequest) => sql`
  w.customer_id = ${customer_id} and w.workload_id = ${workload_id} and w.generation = ${generation}
  and w.worker_id = ${worker_id} and w.status in ('SCHEDULED', 'RUNNING')`;

/**
 * Bytes are kept of one checkpoint that is not announced yet, no more: the first chunk of the next one, or of the next
 * attempt, takes the place of what was begun before.
 */
export async function putChunk(db: Database, lead: Lead, chunk: Chunk): Promise<Written<ChunkOutcome>> {
  const statement = sql`
    with ${leaderCte(lead)},
    holder as (
      select w.workload_id, w.checkpoint_sequence from workloads w, leader
      where ${heldBy(chunk)} and w.customer_id = ${lead.customerId} for no key update of w),
    next as (
      select h.workload_id, h.checkpoint_sequence from holder h
      where ${chunk.sequence}::int > h.checkpoint_sequence
        and ${chunk.sequence}::int <= h.checkpoint_sequence::bigint + ${checkpointStepMax}
        and not exists (
          select from checkpoint_chunks k
          where k.customer_id = ${lead.customerId} and k.workload_id = h.workload_id
            and k.generation = ${chunk.generation} and k.sequence > ${chunk.sequence})),
    replaced as (
      delete from checkpoint_chunks k using next
      where k.customer_id = ${lead.customerId} and k.workload_id = next.workload_id
        and k.sequence > next.checkpoint_sequence
        and (k.sequence <> ${chunk.sequence} or k.generation <> ${chunk.generation})),
    stored as (
      insert into checkpoint_chunks (customer_id, workload_id, sequence, generation, chunk_index, data)
      select ${lead.customerId}, workload_id, ${chunk.sequence}::int, ${chunk.generation}::int, ${chunk.index}::int,
        decode(${chunk.data}, 'base64')
      from next
      on conflict do nothing)
    select ${isLeader}, exists (select from holder) as holds, exists (select from next) as "isNext"`;
  const row = onlyRow(await attempt("storing a checkpoint chunk", db.execute<StoredRow>(statement)));
  if (!row.leader) return notLeader;
  if (!row.holds) return written("fenced");
  return written(row.isNext ? "stored" : "refused");
}

export async function getChunk(db: Database, request: ChunkRequest): Promise<Uint8Array | "fenced" | "unknown"> {
  const { customer_id: customerId, workload_id: id, sequence, index } = request;
  // Worked out first: under a policy no index serves a comparison with an expression over another row.
  const statement = sql`
    with holder as materialized (select w.workload_id from workloads w where ${heldBy(request)}),
    source as materialized (
      select coalesce(k.chunks_of, k.workload_id) as workload_id
      from checkpoints k join holder using (workload_id)
      where k.customer_id = ${customerId} and k.workload_id = ${id} and k.sequence = ${sequence})
    select exists (select from holder) as holds, (
      select encode(b.data, 'base64')
      from source s
      join checkpoints o on o.customer_id = ${customerId} and o.workload_id = s.workload_id and o.sequence = ${sequence}
      join checkpoint_chunks b on b.customer_id = ${customerId} and b.workload_id = o.workload_id
        and b.sequence = ${sequence} and b.generation = o.generation and b.chunk_index = ${index}) as data`;
  const row = onlyRow(await attempt("reading a checkpoint chunk", db.execute<FoundRow>(statement)));
  if (!row.holds) return "fenced";
  return row.data === null ? "unknown" : Uint8Array.from(atob(row.data), (char) => char.charCodeAt(0));
}
