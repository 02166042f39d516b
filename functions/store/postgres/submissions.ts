/** New workloads: inserted once, whatever is sent again, under the customer's idempotency keys (I23). */
import { type SQL, sql } from "drizzle-orm";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import type { Submission } from "../../domain/workload.ts";
import { type GroupOutcome, type Lead, StoreUnavailable, type SubmissionGroup, type Written } from "../store.ts";
import { insertAudit } from "./audit-rows.ts";
import { copyCheckpoints, originsOf } from "./checkpoint-copies.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { findKeys, type KnownKey, takeOver } from "./idempotency-keys.ts";
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
  const submitted = found.submitted ?? [];
  const ours = submitted.every(({ workloadId }, place) => workloadId === ids[place]);
  return ours ? { kind: "created" } : { kind: "replayed", submitted };
}

/**
 * Keys first; then the workloads of groups without a key or whose key was won here; then the audit rows of exactly
 * those, and the checkpoints that they start from.
 */
function insertOnce(db: Database, lead: Lead, groups: readonly SubmissionGroup[], now: number) {
  const submissions = groups.flatMap((group) => group.submissions);
  const audited = submissions.map(({ workload, audit }) => ({ workloadId: workload.workloadId, audit }));
  return db.execute<InsertRow>(sql`
    with ${leaderCte(lead)},
    asked as (select g.* from ${recordset(groupRows(groups), groupColumns)}, leader),
    won as (
      insert into idempotency_keys as k (customer_id, idempotency_key, body_sha256, workload_ids, reply, created_at)
      select ${lead.customerId}, key, hash, ids, reply, ${isoTime(now)}::timestamptz from asked where key is not null
      ${takeOver(now)}
      returning idempotency_key),
    fresh as (
      select n from asked where key is null
      union all select n from asked join won on won.idempotency_key = asked.key),
    inserted as (${insertWorkloads(lead.customerId, groups, now)}),
    audited as (${insertAudit(lead.customerId, audited, sql`inserted`)})
    ${copyCheckpoints(lead.customerId, submissions, now)}
    select ${isLeader}, (select json_agg(n) from fresh) as fresh`);
}

const groupColumns = sql`g(n int, key text, hash text, ids text[], reply jsonb)`;

/** A key that comes twice in one statement is asked for once; the later groups find it taken. */
function groupRows(groups: readonly SubmissionGroup[]) {
  const seen = new Set<string>();
  return groups.flatMap((group, n) => {
    const { key, bodySha256: hash, reply } = group.idempotency ?? {};
    if (key !== undefined && seen.has(key)) return [];
    if (key !== undefined) seen.add(key);
    return [{ n, key, hash, ids: key === undefined ? [] : idsOf(group), reply }];
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
  origin: "text",
} as const;

/** Where none repeats another, no row of another is looked for. */
const repeatedOf = (customerId: CustomerId, groups: readonly SubmissionGroup[]) => {
  const origins = originsOf(groups.flatMap(({ submissions }) => submissions));
  const ids = origins.map(({ origin }) => origin);
  return ids.length === 0
    ? { from: sql.empty(), labels: sql`r.labels`, input: sql`r.input` }
    : {
        from: sql`left join workloads o on o.customer_id = ${customerId} and o.workload_id = any(${sql.param(ids)}::text[])
          and o.workload_id = r.origin`,
        labels: sql`coalesce(o.labels, r.labels)`,
        input: sql`coalesce(o.input_params, r.input)`,
      };
};

function insertWorkloads(customerId: CustomerId, groups: readonly SubmissionGroup[], now: number): SQL {
  const repeated = repeatedOf(customerId, groups);
  return sql`
    insert into workloads (
      customer_id, workload_id, workload_type, pool, status, generation, priority, queue_rank, due_at, worker_id,
      last_worker_id, labels, affinity, input_params, input_bytes, progress_percent, progress_message,
      checkpoint_sequence, retry_count, death_count, max_retries, retry_base_ms, retry_cap_ms, timeout_seconds,
      checkpoint_interval_sec, checkpoint_progress_percent, created_at, run_at, scheduled_at, started_at, completed_at,
      retried_from, updated_at)
    select
      ${customerId}, r.id, r.type, r.pool, r.status, r.generation, r.priority, r.rank, r.due, r.worker,
      r.last_worker, ${repeated.labels}, r.affinity, ${repeated.input}, r.input_bytes, r.progress, r.message,
      r.sequence, r.retries, r.deaths, r.retries_max, r.base, r.cap, r.timeout,
      r.every_sec, r.every_percent, r.created, r.run, r.scheduled, r.started, r.completed,
      r.origin, ${isoTime(now)}::timestamptz
    from ${unnested("r", types, groups.flatMap(workloadRows))} join fresh on fresh.n = r.g ${repeated.from}
    on conflict do nothing
    returning workload_id`;
}

const workloadRows = ({ submissions }: SubmissionGroup, g: number) =>
  submissions.map((submission) => workloadRow(g, submission));

const workloadRow = (g: number, { workload, labels, input, runAt, origin }: Submission) => ({
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
  origin: origin?.workloadId,
});
