/** Which workloads in memory an operation by filter means, and what was accepted of late. */
import { type Accepted, acceptedToRead, nothingAccepted } from "../../domain/admission.ts";
import type { Customer } from "../../domain/customer.ts";
import type { Workload } from "../../domain/workload.ts";
import { splitLabel } from "../list-query.ts";
import type { Selection } from "../store.ts";
import type { WorkloadRow } from "./rows.ts";

const newestFirst = (a: Workload, b: Workload): number => (a.workloadId < b.workloadId ? 1 : -1);

export function selected(rows: readonly WorkloadRow[], selection: Selection, max: number): Workload[] {
  const retried = new Set(selection.notRetried === true ? rows.map(({ retriedFrom }) => retriedFrom) : []);
  return rows
    .filter((row) => isMeant(row, selection) && !retried.has(row.workload.workloadId))
    .map(({ workload }) => workload)
    .sort(newestFirst)
    .slice(0, max);
}

function isMeant({ workload, labels }: WorkloadRow, selection: Selection): boolean {
  const { statuses, notIntended, types, pools, workloadType, createdAfter, createdBefore } = selection;
  return (
    statuses.includes(workload.status) &&
    (notIntended === undefined || workload.intent?.kind !== notIntended) &&
    (types === undefined || types.includes(workload.workloadType)) &&
    (pools === undefined || pools.includes(workload.pool)) &&
    (workloadType === undefined || workload.workloadType === workloadType) &&
    (createdAfter === undefined || workload.createdAt >= createdAfter) &&
    (createdBefore === undefined || workload.createdAt < createdBefore) &&
    (selection.labels ?? []).every((label) => hasLabel(labels, label))
  );
}

export function hasLabel(labels: Readonly<Record<string, string>>, label: string): boolean {
  const { name, value } = splitLabel(label);
  return Object.hasOwn(labels, name) && (value === null || labels[name] === value);
}

export function acceptedBy({ limits }: Customer, all: readonly Workload[], now: number): Accepted {
  const wanted = acceptedToRead(limits, now);
  if (wanted === null) return nothingAccepted(now);
  const times = all.map(({ createdAt }) => createdAt).sort((a, b) => a - b);
  const recent = times.filter((at) => at >= wanted.since);
  const takings = Array.from(Map.groupBy(recent, (at) => at).values(), (same) => ({
    at: same[0] ?? now,
    count: same.length,
  }));
  return { since: wanted.since, takings, isWhole: recent.length === times.length };
}
