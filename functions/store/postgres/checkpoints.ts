/** Checkpoints: taken only when all chunks are there and Postgres itself finds their size and hash right (I18). */
import { type SQL, sql } from "drizzle-orm";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import { checkpointStepMax, checkpointsKeptMax } from "../../../schema/limits.ts";
import type { CheckpointNotice } from "../../../schema/messages/worker-events.ts";
import { isHeld } from "../../../schema/status.ts";
import type { Change } from "../../domain/workload.ts";
import type { Lead } from "../store.ts";
import { isLeader, leaderCte } from "./leader.ts";
import { isoTime, recordset } from "./rows.ts";

/** A notice with the attempt whose bytes it means. */
export type Announced = CheckpointNotice & { readonly id: WorkloadId; readonly generation: number };

export const announcedOf = (changes: readonly Change[]): Announced[] =>
  changes.flatMap(({ from, next, checkpoints }) =>
    checkpoints.map((notice) => ({ ...notice, id: next.workloadId, generation: from.generation })),
  );

const idsOf = (announced: readonly Announced[]): SQL =>
  sql`${sql.param([...new Set(announced.map(({ id }) => id))])}::text[]`;

/**
 * Chunks are never overwritten: what a checkpoint was verified with is what it has. Where none are kept, far above the
 * newest checkpoint, none can be taken.
 */
export const insertInlineChunks = (lead: Lead, announced: readonly Announced[]): SQL => sql`
  with ${leaderCte(lead)},
  stored as (
    insert into checkpoint_chunks (customer_id, workload_id, sequence, generation, chunk_index, data)
    select w.customer_id, w.workload_id, i.sequence, i.generation, 0, decode(i.data, 'base64')
    from ${recordset(announced, sql`i(id text, generation int, sequence int, data text)`)}
    cross join leader
    join workloads w on w.customer_id = ${lead.customerId} and w.workload_id = any(${idsOf(announced)})
      and w.workload_id = i.id and w.generation = i.generation
      and i.sequence > w.checkpoint_sequence and i.sequence <= w.checkpoint_sequence::bigint + ${checkpointStepMax}
    on conflict do nothing)
  select ${isLeader}`;

/** What a step's statement does about checkpoints; next to nothing when its changes bring none. */
export interface TakenCtes {
  readonly before: SQL;
  readonly after: SQL;
  /** The new value of `checkpoint_sequence`. */
  readonly newest: SQL;
  /** More rows for the newest checkpoint of the workload `u`. */
  readonly justTaken: SQL;
  readonly broken: SQL;
  /** Which audit rows `a` may be written: none that speaks of a checkpoint that was not taken. */
  readonly auditable: SQL;
}

const withoutCheckpoints: TakenCtes = {
  before: sql.empty(),
  after: sql.empty(),
  newest: sql`w.checkpoint_sequence`,
  justTaken: sql.empty(),
  broken: sql`null`,
  auditable: sql.empty(),
};

const columns = sql`o(id text, generation int, sequence int, bytes int, sha256 text, chunks int)`;

export function takenCtes(customerId: CustomerId, announced: readonly Announced[], now: number): TakenCtes {
  if (announced.length === 0) return withoutCheckpoints;
  return {
    before: sql`,
      offered as materialized (select o.* from ${recordset(announced.map(withoutData), columns)}, leader),
      whole as (${wholeOnes(customerId)})`,
    newest: sql`greatest(w.checkpoint_sequence, (select max(sequence) from whole where whole.id = c.id))`,
    after: sql`,
      taken as (
        insert into checkpoints (
          customer_id, workload_id, sequence, generation, size_bytes, sha256, chunks, created_at)
        select ${customerId}, o.id, o.sequence, o.generation, o.bytes, o.sha256, o.chunks, ${isoTime(now)}::timestamptz
        from whole o join updated u on u.workload_id = o.id
        on conflict do nothing
        returning workload_id, sequence, size_bytes, sha256, chunks),
      broken as (
        select o.id, o.sequence from offered o join updated u on u.workload_id = o.id
        where not exists (select from whole where whole.id = o.id and whole.sequence = o.sequence))`,
    justTaken: sql`
      union all select sequence, size_bytes, sha256, chunks from taken where taken.workload_id = u.workload_id`,
    broken: sql`(select json_agg(json_build_object('workloadId', id, 'sequence', sequence)) from broken)`,
    auditable: sql`where not (a.event = 'workload.checkpoint_created' and exists (
      select from broken b where b.id = a.id and a.details -> 'sequence' = to_jsonb(b.sequence)))`,
  };
}

const withoutData = ({ data: _, ...announced }: Announced) => announced;

/** Newer than what the workload has, each chunk there, size and hash right. */
const wholeOnes = (customerId: CustomerId): SQL => sql`
  select o.* from offered o
  join workloads w on w.customer_id = ${customerId} and w.workload_id = o.id and w.checkpoint_sequence < o.sequence
  cross join lateral (
    select count(*) as chunks, max(chunk_index) as last, string_agg(data, '' order by chunk_index) as data
    from checkpoint_chunks k
    where k.customer_id = ${customerId} and k.workload_id = o.id
      and k.sequence = o.sequence and k.generation = o.generation) k
  where k.chunks = o.chunks and k.last = o.chunks - 1
    and length(k.data) = o.bytes and encode(sha256(k.data), 'hex') = o.sha256`;

/** Keeps the newest complete ones; with the older go the chunks of what was never completed before the newest. */
export const pruneCheckpoints = (lead: Lead, announced: readonly Announced[]): SQL => sql`
  with ${leaderCte(lead)},
  complete as (
    select workload_id, sequence, generation,
      row_number() over (partition by workload_id order by sequence desc) as place
    from checkpoints
    where customer_id = ${lead.customerId}
      and workload_id = any(${idsOf(announced)})),
  dropped as (
    delete from checkpoints k using complete c, leader
    where k.customer_id = ${lead.customerId} and k.workload_id = c.workload_id and k.sequence = c.sequence
      and c.place > ${checkpointsKeptMax}),
  swept as (
    delete from checkpoint_chunks k using complete newest, leader
    where newest.place = 1 and k.customer_id = ${lead.customerId} and k.workload_id = newest.workload_id
      and k.sequence <= newest.sequence
      and not exists (
        select from complete c
        where c.workload_id = k.workload_id and c.sequence = k.sequence and c.generation = k.generation
          and c.place <= ${checkpointsKeptMax}))
  select ${isLeader}`;

/** The workloads whose attempt ends with these changes. */
export const endedOf = (changes: readonly Change[]): WorkloadId[] =>
  changes.flatMap(({ from, next }) =>
    isHeld(from.status) && (!isHeld(next.status) || next.generation > from.generation) ? [next.workloadId] : [],
  );

/**
 * What an attempt began and never announced ends with it: nobody can go on with it. CTEs behind `updated`; what there
 * is comes first, as for a thousand ended workloads it is mostly nothing: joined at once, all are looked up for each.
 * No chunk comes in between: it takes its turn in the lane in which steps are written.
 */
export const dropUnannounced = (customerId: CustomerId, ended: readonly WorkloadId[]): SQL => sql`,
  begun as materialized (
    select distinct workload_id, sequence, generation from checkpoint_chunks
    where customer_id = ${customerId} and workload_id = any(${sql.param(ended)}::text[])),
  dropped as (
    delete from checkpoint_chunks k using begun b, updated u
    where k.customer_id = ${customerId} and k.workload_id = b.workload_id and k.sequence = b.sequence
      and k.generation = b.generation and u.workload_id = b.workload_id and b.sequence > u.checkpoint_sequence
      and (u.status not in ('SCHEDULED', 'RUNNING') or b.generation < u.generation))`;
