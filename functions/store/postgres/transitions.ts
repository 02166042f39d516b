/** Decided steps, written: one batch for many workloads, each only where its row is still as it was decided on. */
import { type SQL, sql } from "drizzle-orm";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import type { Change } from "../../domain/workload.ts";
import type { Applied, Lead, LogBatch, Remembered, Scheduled, Written } from "../store.ts";
import { insertAudit } from "./audit-rows.ts";
import {
  announcedOf,
  dropUnannounced,
  endedOf,
  insertInlineChunks,
  pruneCheckpoints,
  type TakenCtes,
  takenCtes,
} from "./checkpoints.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { rememberReply } from "./idempotency-keys.ts";
import { isLeader, type LeaderRow, leaderCte, notLeader, written } from "./leader.ts";
import { insertLogs } from "./logs.ts";
import { isoOrNull, isoTime, jsonOf, jsonOrNull, unnested } from "./rows.ts";

interface StepRow extends LeaderRow {
  readonly missed?: readonly WorkloadId[] | null;
  readonly scheduled?: readonly Scheduled[] | null;
  readonly broken?: Applied["brokenCheckpoints"] | null;
}

export async function applyChanges(
  db: Database,
  lead: Lead,
  changes: readonly Change[],
  logs: readonly LogBatch[],
  now: number,
  remember: Remembered | null,
): Promise<Written<Applied>> {
  const statements = [
    ...statementsOf(lead, changes, logs, now),
    ...(remember === null ? [] : [rememberReply(lead, remember, now)]),
  ];
  const [first, ...rest] = statements.map((statement) => db.execute<StepRow>(statement));
  if (first === undefined) return written({ missed: [], scheduled: [], brokenCheckpoints: [] });
  const results = await attempt("applying changes", db.batch([first, ...rest]));
  const rows = results.flatMap((result) => result.rows);
  if (rows.some((row) => !row.leader)) return notLeader;
  return written({
    missed: rows.flatMap((row) => row.missed ?? []),
    scheduled: rows.flatMap((row) => row.scheduled ?? []),
    brokenCheckpoints: rows.flatMap((row) => row.broken ?? []),
  });
}

function statementsOf(lead: Lead, changes: readonly Change[], logs: readonly LogBatch[], now: number): SQL[] {
  const announced = announcedOf(changes);
  const inline = announced.filter(({ data }) => data !== undefined);
  return [
    ...(logs.length > 0 ? [insertLogs(lead, logs)] : []),
    ...(inline.length > 0 ? [insertInlineChunks(lead, inline)] : []),
    ...roundsOf(changes).map((round) => stepStatement(lead, round, now)),
    ...(announced.length > 0 ? [pruneCheckpoints(lead, announced)] : []),
  ];
}

/** The n-th change of each workload is in the n-th round: one statement changes a row once at most. */
function roundsOf(changes: readonly Change[]): Change[][] {
  const rounds = new Map<number, Change[]>();
  const counts = new Map<WorkloadId, number>();
  for (const change of changes) {
    const before = counts.get(change.next.workloadId) ?? 0;
    counts.set(change.next.workloadId, before + 1);
    const round = rounds.get(before);
    if (round === undefined) rounds.set(before, [change]);
    else round.push(change);
  }
  return [...rounds.values()];
}

function stepStatement(lead: Lead, changes: readonly Change[], now: number): SQL {
  const { customerId } = lead;
  const taken = takenCtes(customerId, announcedOf(changes), now);
  const audited = changes.map(({ next, audit }) => ({ workloadId: next.workloadId, audit }));
  const ended = endedOf(changes);
  return sql`
    with ${leaderCte(lead)},
    step as materialized (select c.* from ${unnested("c", types, changes.map(stepRow))}, leader)
    ${taken.before},
    updated as (${updateWorkloads(customerId, idsOf(changes), taken, now)})
    ${taken.after},
    audited as (${insertAudit(customerId, audited, sql`updated`, taken.auditable)})
    ${ended.length > 0 ? dropUnannounced(customerId, ended) : sql.empty()}
    select ${isLeader},
      (select json_agg(id) from step where id not in (select workload_id from updated)) as missed,
      ${scheduled(customerId, taken)} as scheduled,
      ${taken.broken} as broken`;
}

const types = {
  id: "text",
  from_generation: "int",
  from_status: "text",
  status: "text",
  generation: "int",
  pool: "text",
  priority: "int",
  rank: "bigint",
  due: "timestamptz",
  worker: "text",
  last_worker: "text",
  affinity: "jsonb",
  intent: "jsonb",
  progress: "real",
  message: "text",
  retries: "int",
  deaths: "int",
  scheduled: "timestamptz",
  started: "timestamptz",
  completed: "timestamptz",
  result: "jsonb",
  error_type: "text",
  error_message: "text",
} as const;

const idsOf = (changes: readonly Change[]): WorkloadId[] => changes.map(({ next }) => next.workloadId);

/**
 * The error of the last failure stays in sight while the workload is tried again; success clears it. The ids stand in
 * the condition by themselves too: joined only, Postgres may read every row of the customer to find these.
 */
const updateWorkloads = (customerId: CustomerId, ids: readonly WorkloadId[], taken: TakenCtes, now: number): SQL => sql`
  update workloads w set
    status = c.status, generation = c.generation, pool = c.pool, priority = c.priority, queue_rank = c.rank,
    due_at = c.due, worker_id = c.worker, last_worker_id = c.last_worker, affinity = c.affinity, intent = c.intent,
    progress_percent = c.progress, progress_message = c.message, retry_count = c.retries, death_count = c.deaths,
    scheduled_at = c.scheduled, started_at = c.started, completed_at = c.completed,
    result_data = coalesce(c.result, w.result_data),
    error_type = case when c.status = 'COMPLETED' then null else coalesce(c.error_type, w.error_type) end,
    error_message = case when c.status = 'COMPLETED' then null else coalesce(c.error_message, w.error_message) end,
    checkpoint_sequence = ${taken.newest}, updated_at = ${isoTime(now)}::timestamptz
  from step c
  where w.customer_id = ${customerId} and w.workload_id = any(${sql.param(ids)}::text[]) and w.workload_id = c.id
    and w.generation = c.from_generation and w.status = c.from_status
  returning w.workload_id, w.generation, w.status, w.checkpoint_sequence,
    case when w.status = 'SCHEDULED' then w.input_params end as input`;

/** What the assignments need; the newest checkpoint may be of this very statement. */
const scheduled = (customerId: CustomerId, taken: TakenCtes): SQL => sql`(
  select json_agg(json_build_object('workloadId', u.workload_id, 'input', u.input, 'checkpoint', k.checkpoint))
  from updated u left join lateral (
    select json_build_object(
      'sequence', sequence, 'bytes', size_bytes, 'sha256', sha256, 'chunks', chunks) as checkpoint
    from (
      select sequence, size_bytes, sha256, chunks from checkpoints
      where customer_id = ${customerId} and workload_id = u.workload_id
      ${taken.justTaken}) known
    order by sequence desc limit 1) k on true
  where u.status = 'SCHEDULED')`;

const stepRow = ({ from, next, result, error }: Change) => ({
  id: next.workloadId,
  from_generation: from.generation,
  from_status: from.status,
  status: next.status,
  generation: next.generation,
  pool: next.pool,
  priority: next.priority,
  rank: next.queueRank,
  due: isoOrNull(next.dueAt),
  worker: next.workerId,
  last_worker: next.lastWorkerId,
  affinity: jsonOrNull(next.affinity),
  intent: jsonOrNull(next.intent),
  progress: next.progressPercent,
  message: next.progressMessage,
  retries: next.retryCount,
  deaths: next.deathCount,
  scheduled: isoOrNull(next.scheduledAt),
  started: isoOrNull(next.startedAt),
  completed: isoOrNull(next.completedAt),
  result: result === undefined ? null : jsonOf(result),
  error_type: error?.type,
  error_message: error?.message,
});
