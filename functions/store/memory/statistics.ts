/** Statistics of workloads in memory. */
import type { Bucket, Counts } from "../../../schema/http/statistics.ts";
import { type StatisticsRange, unitStart } from "../../domain/statistics.ts";
import type { WorkloadRow } from "./rows.ts";

export function countRows(rows: readonly WorkloadRow[], range: StatisticsRange): Bucket[] {
  const { from, to, by } = range;
  const meant = rows.filter(({ workload }) => workload.createdAt >= from && workload.createdAt < to);
  const groups = Map.groupBy(meant, ({ workload }) =>
    by === "type" ? workload.workloadType : new Date(unitStart(workload.createdAt, by)).toISOString(),
  );
  const ordered = [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
  return ordered.map(([name, group]) => ({
    start: by === "type" ? null : name,
    workload_type: by === "type" ? name : null,
    ...countsOf(group),
  }));
}

function countsOf(group: readonly WorkloadRow[]): Counts {
  const inStatus = (status: string) => group.filter(({ workload }) => workload.status === status).length;
  const durations = group.flatMap(durationOf);
  const waits = group.flatMap(waitOf);
  return {
    submitted: group.length,
    completed: inStatus("COMPLETED"),
    failed: inStatus("FAILED"),
    cancelled: inStatus("CANCELLED"),
    still_open: group.filter(({ workload }) => workload.completedAt === null).length,
    retries: group.reduce((sum, { workload }) => sum + workload.retryCount, 0),
    average_duration_seconds: average(durations),
    p95_duration_seconds: percentile(durations, 0.95),
    average_wait_seconds: average(waits),
    p95_wait_seconds: percentile(waits, 0.95),
  };
}

const durationOf = ({ workload: { status, createdAt, completedAt } }: WorkloadRow): number[] =>
  status === "COMPLETED" && completedAt !== null ? [(completedAt - createdAt) / 1_000] : [];

/** The start that a row holds is its last attempt's: with one attempt only, it is the first. */
const waitOf = ({ workload: { createdAt, startedAt, generation }, runAt }: WorkloadRow): number[] =>
  startedAt === null || generation !== 1 ? [] : [Math.max(0, startedAt - Math.max(createdAt, runAt ?? 0)) / 1_000];

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

const average = (values: readonly number[]): number | null =>
  values.length === 0 ? null : rounded(values.reduce((sum, value) => sum + value, 0) / values.length);

/** Between the two nearest, as percentile_cont of Postgres. */
function percentile(values: readonly number[], fraction: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * fraction;
  const [below, above] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0];
  return rounded(below + (above - below) * (place - Math.floor(place)));
}
