/** New workloads in memory, under the customer's idempotency keys. */
import { idempotencyKeyHoursDefault } from "../../../schema/limits.ts";
import type { Submission } from "../../domain/workload.ts";
import type { CustomerStore, GroupOutcome, Remembered, SubmissionGroup, Submitted } from "../store.ts";
import { auditViews } from "./audit.ts";
import { copiedCheckpoint } from "./checkpoints.ts";
import {
  assertStorable,
  assertWhole,
  type CustomerRows,
  type IdempotencyRow,
  type Rows,
  type WorkloadRow,
} from "./rows.ts";

const keyMs = idempotencyKeyHoursDefault * 3_600_000;

export function insertGroups(
  rows: Rows,
  customer: CustomerRows,
  groups: readonly SubmissionGroup[],
  now: number,
): GroupOutcome[] {
  assertStorable(groups);
  for (const { submissions } of groups) for (const { workload } of submissions) assertWhole(workload);
  return groups.map((group) => insertGroup(rows, customer, group, now));
}

function insertGroup(rows: Rows, customer: CustomerRows, group: SubmissionGroup, now: number): GroupOutcome {
  const { submissions, idempotency } = group;
  if (idempotency === null) return create(rows, customer, submissions, now);
  const known = customer.idempotency.get(idempotency.key);
  if (known !== undefined && known.createdAt > now - keyMs) return found(customer, group, known);
  const workloadIds = submissions.map(({ workload }) => workload.workloadId);
  const { key, bodySha256, reply = null } = idempotency;
  customer.idempotency.set(key, { bodySha256, workloadIds, reply, createdAt: now });
  return create(rows, customer, submissions, now);
}

/** The same workloads: an earlier try of this very insert, of unknown outcome. */
function found(
  customer: CustomerRows,
  { submissions, idempotency }: SubmissionGroup,
  known: IdempotencyRow,
): GroupOutcome {
  if (known.bodySha256 !== idempotency?.bodySha256) return { kind: "conflict" };
  if (known.workloadIds.every((id, place) => id === submissions[place]?.workload.workloadId))
    return { kind: "created" };
  return { kind: "replayed", submitted: submittedBy(customer, known) };
}

const submittedBy = (customer: CustomerRows, known: IdempotencyRow): Submitted[] =>
  known.workloadIds.map((workloadId) => {
    const row = customer.workloads.get(workloadId);
    return { workloadId, createdAt: row?.workload.createdAt ?? known.createdAt, runAt: row?.runAt ?? null };
  });

export function submittedUnder(
  customer: CustomerRows | undefined,
  { key, bodySha256 }: Parameters<CustomerStore["submittedUnder"]>[1],
  now: number,
): Awaited<ReturnType<CustomerStore["submittedUnder"]>> {
  const known = customer?.idempotency.get(key);
  if (customer === undefined || known === undefined || known.createdAt <= now - keyMs) return null;
  if (known.bodySha256 !== bodySha256) return { kind: "conflict" };
  return { kind: "replayed", submitted: submittedBy(customer, known) };
}

export function replyUnder(
  customer: Pick<CustomerRows, "idempotency"> | undefined,
  { key, bodySha256 }: Parameters<CustomerStore["replyUnder"]>[1],
  now: number,
): Awaited<ReturnType<CustomerStore["replyUnder"]>> {
  const known = customer?.idempotency.get(key);
  if (known === undefined || known.createdAt <= now - keyMs) return null;
  const isSame = known.bodySha256 === bodySha256 && known.reply !== null;
  return isSame ? { kind: "replayed", reply: known.reply } : { kind: "conflict" };
}

/** Where the key stands for something already, that stays. */
export function remember(
  customer: Pick<CustomerRows, "idempotency">,
  { key, bodySha256, reply }: Remembered,
  now: number,
): void {
  assertStorable([key, reply]);
  const known = customer.idempotency.get(key);
  if (known !== undefined && known.createdAt > now - keyMs) return;
  customer.idempotency.set(key, { bodySha256, workloadIds: [], reply, createdAt: now });
}

function create(rows: Rows, customer: CustomerRows, submissions: readonly Submission[], now: number): GroupOutcome {
  for (const submission of submissions) {
    const { workloadId } = submission.workload;
    if (!customer.workloads.has(workloadId))
      customer.workloads.set(workloadId, newRow(rows, customer, submission, now));
  }
  return { kind: "created" };
}

function newRow(rows: Rows, customer: CustomerRows, submission: Submission, now: number): WorkloadRow {
  const { workload, runAt, audit, origin } = submission;
  const repeated = origin === null ? undefined : customer.workloads.get(origin.workloadId);
  const { labels, input } = repeated ?? submission;
  return {
    workload,
    labels: { ...labels },
    input,
    runAt,
    retriedFrom: origin?.workloadId ?? null,
    result: null,
    error: null,
    updatedAt: now,
    audit: auditViews(rows, audit),
    ...copiedCheckpoint(repeated, origin?.checkpointSequence ?? null, now),
    logs: new Map(),
  };
}
