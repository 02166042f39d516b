/** New workloads: inserted once, whatever is sent again, under the customer's idempotency keys (I23). */
import { sql } from "drizzle-orm";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import type { Submission } from "../../domain/workload.ts";
import { type GroupOutcome, type Lead, StoreUnavailable, type SubmissionGroup, type Written } from "../store.ts";
import { insertAudit } from "./audit-rows.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { findKeys, type KnownKey, keyMs } from "./idempotency-keys.ts";
import { isLeader, type LeaderRow, leaderCte, notLeader, written } from "./leader.ts";
import { isoOrNull, isoTime, jsonOf, jsonOrNull, onlyRow, recordset, unnested } from "./rows.ts";

interface InsertRow extends LeaderRow {
  /** Places of the groups whose workloads are there now, by this statement or by an earlier try of it. */
  readonly fresh: readonly number[] | null;
}

export async function insertSubmissions(
  db: Database,
  lead: Lead,
  groups: readonly SubmissionGroup[],
  now: number,
): Promise<Written<readonly GroupOutcome[]>> {
  if (groups.length === 0) return written([]);
  const row = onlyRow(await attempt("inserting workloads", insertOnce(db, lead, groups, now)));
  if (!row.leader) return notLeader;
  const fresh = new Set(row.fresh);
  const known = await findKeys(db, lead.customerId, keysOf(groups.filter((_, place) => !fresh.has(place))));
  return written(groups.map((group, place) => (fresh.has(place) ? { kind: "created" } : outcomeOf(group, known))));
}

const keysOf = (groups: readonly SubmissionGroup[]): string[] =>
  groups.flatMap(({ idempotency }) => (idempotency === null ? [] : [idempotency.key]));

const idsOf = (group: SubmissionGroup): WorkloadId[] => group.submissions.map(({ workload }) => workload.workloadId);

/** Of a group whose key was there. The same workloads: an earlier try of this very insert, of unknown outcome. */
function outcomeOf(group: SubmissionGroup, known: ReadonlyMap<string, KnownKey>): GroupOutcome {
  const found = known.get(group.idempotency?.key ?? "");
  if (found === undefined) throw new StoreUnavailable("inserting workloads: a key ended while it was looked at");
  if (found.bodySha256 !== group.idempotency?.bodySha256) return { kind: "conflict" };
  const ids = idsOf(group);
  const ours = found.submitted.every(({ workloadId }, place) => workloadId === ids[place]);
  return ours ? { kind: "created" } : { kind: "replayed", submitted: found.submitted };
}

/**
 * Keys first; then the workloads of groups without a key or whose key was won here; then the audit rows of exactly
 * those. A key past its time counts as absent and is taken over.
 */
function insertOnce(db: Database, lead: Lead, groups: readonly SubmissionGroup[], now: number) {
  const submissions = groups.flatMap((group) => group.submissions);
  const audited = submissions.map(({ workload, audit }) => ({ workloadId: workload.workloadId, audit }));
  return db.execute<InsertRow>(sql`
    with ${leaderCte(lead)},
    asked as (select g.* from ${recordset(groupRows(groups), sql`g(n int, key text, hash text, ids text[])`)}, leader),
    won as (
      insert into idempotency_keys as k (customer_id, idempotency_key, body_sha256, workload_ids, created_at)
      select ${lead.customerId}, key, hash, ids, ${isoTime(now)}::timestamptz from asked where key is not null
      on conflict (customer_id, idempotency_key) do update set
        body_sha256 = excluded.body_sha256, workload_ids = excluded.workload_ids, created_at = excluded.created_at
      where k.created_at <= ${isoTime(now - keyMs)}::timestamptz
      returning idempotency_key),
    fresh as (
      select n from asked where key is null
      union all select n from asked join won on won.idempotency_key = asked.key),
    inserted as (${insertWorkloads(lead.customerId, groups, now)}),
    audited as (${insertAudit(lead.customerId, audited, sql`inserted`)})
    select ${isLeader}, (select json_agg(n) from fresh) as fresh`);
}

/** A key that comes twice in one statement is asked for once; the later groups find it taken. */
function groupRows(groups: readonly SubmissionGroup[]) {
  const seen = new Set<string>();
  return groups.flatMap((group, n) => {
    const { key, bodySha256: hash } = group.idempotency ?? {};
    if (key !== undefined && seen.has(key)) return [];
    if (key !== undefined) seen.add(key);
    return [{ n, key, hash, ids: key === undefined ? [] : idsOf(group) }];
  });
}

const types = {
  g: "int",
  id: "text",
  type: "text",
  pool: "text",
  status: "text",
  generation: "int",
  priority: "int",
  rank: "bigint",
  due: "timestamptz",
  worker: "text",
  last_worker: "text",
  labels: "jsonb",
  affinity: "jsonb",
  input: "jsonb",
  input_bytes: "int",
  progress: "real",
  message: "text",
  sequence: "int",
  retries: "int",
  deaths: "int",
  retries_max: "int",
  base: "int",
  cap: "int",
  timeout: "int",
  every_sec: "int",
  every_percent: "int",
  created: "timestamptz",
  run: "timestamptz",
  scheduled: "timestamptz",
  started: "timestamptz",
  completed: "timestamptz",
} as const;

const insertWorkloads = (customerId: CustomerId, groups: readonly SubmissionGroup[], now: number) => sql`
  insert into workloads (
    customer_id, workload_id, workload_type, pool, status, generation, priority, queue_rank, due_at, worker_id,
    last_worker_id, labels, affinity, input_params, input_bytes, progress_percent, progress_message, checkpoint_sequence,
    retry_count, death_count, max_retries, retry_base_ms, retry_cap_ms, timeout_seconds, checkpoint_interval_sec,
    checkpoint_progress_percent, created_at, run_at, scheduled_at, started_at, completed_at, updated_at)
  select
    ${customerId}, id, type, pool, status, generation, priority, rank, due, worker,
    last_worker, labels, affinity, input, input_bytes, progress, message, sequence,
    retries, deaths, retries_max, base, cap, timeout, every_sec,
    every_percent, created, run, scheduled, started, completed, ${isoTime(now)}::timestamptz
  from ${unnested("r", types, groups.flatMap(workloadRows))} join fresh on fresh.n = r.g
  on conflict do nothing
  returning workload_id`;

const workloadRows = ({ submissions }: SubmissionGroup, g: number) =>
  submissions.map((submission) => workloadRow(g, submission));

const workloadRow = (g: number, { workload, labels, input, runAt }: Submission) => ({
  g,
  id: workload.workloadId,
  type: workload.workloadType,
  pool: workload.pool,
  status: workload.status,
  generation: workload.generation,
  priority: workload.priority,
  rank: workload.queueRank,
  due: isoOrNull(workload.dueAt),
  worker: workload.workerId,
  last_worker: workload.lastWorkerId,
  labels: jsonOf(labels),
  affinity: jsonOrNull(workload.affinity),
  input: jsonOf(input),
  input_bytes: workload.inputBytes,
  progress: workload.progressPercent,
  message: workload.progressMessage,
  sequence: workload.checkpointSequence,
  retries: workload.retryCount,
  deaths: workload.deathCount,
  retries_max: workload.policy.maxRetries,
  base: workload.policy.retryBaseMs,
  cap: workload.policy.retryCapMs,
  timeout: workload.policy.timeoutSeconds,
  every_sec: workload.policy.checkpointIntervalSec,
  every_percent: workload.policy.checkpointProgressPercent,
  created: isoTime(workload.createdAt),
  run: isoOrNull(runAt),
  scheduled: isoOrNull(workload.scheduledAt),
  started: isoOrNull(workload.startedAt),
  completed: isoOrNull(workload.completedAt),
});
