/** New workloads in memory, under the customer's idempotency keys. */
import { idempotencyKeyHoursDefault } from "../../../schema/limits.ts";
import type { Submission } from "../../domain/workload.ts";
import type { CustomerStore, GroupOutcome, SubmissionGroup, Submitted } from "../store.ts";
import { auditViews } from "./audit.ts";
import { assertStorable, assertWhole, type CustomerRows, type IdempotencyRow, type Rows } from "./rows.ts";

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
  customer.idempotency.set(idempotency.key, { bodySha256: idempotency.bodySha256, workloadIds, createdAt: now });
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

function create(rows: Rows, customer: CustomerRows, submissions: readonly Submission[], now: number): GroupOutcome {
  for (const { workload, labels, input, runAt, audit } of submissions) {
    if (customer.workloads.has(workload.workloadId)) continue;
    customer.workloads.set(workload.workloadId, {
      workload,
      labels: { ...labels },
      input,
      runAt,
      result: null,
      error: null,
      updatedAt: now,
      audit: auditViews(rows, audit),
      chunks: new Map(),
      checkpoints: [],
      logs: new Map(),
    });
  }
  return { kind: "created" };
}
