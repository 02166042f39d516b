/** Statistics over a span of time: where its days and hours begin, and what stands for those without workloads. */
import type { Bucket, StatisticsUnit } from "../../schema/http/statistics.ts";

/** From `from` until before `to`, in milliseconds since the epoch. */
export interface StatisticsRange {
  readonly from: number;
  readonly to: number;
  readonly by: StatisticsUnit;
}

export const dayMs = 24 * 3_600_000;
const unitMs: Readonly<Record<Exclude<StatisticsUnit, "type">, number>> = { day: dayMs, hour: 3_600_000 };

/** The beginning of the day or hour, UTC. */
export const unitStart = (at: number, unit: keyof typeof unitMs): number => at - (at % unitMs[unit]);

/** Days and hours without workloads have their place too; types without any have none. */
export function withEmptyBuckets({ from, to, by }: StatisticsRange, found: readonly Bucket[]): Bucket[] {
  if (by === "type") return [...found];
  const known = new Map(found.map((bucket) => [bucket.start, bucket]));
  const first = unitStart(from, by);
  const starts = Array.from({ length: Math.ceil((to - first) / unitMs[by]) }, (_, place) =>
    new Date(first + place * unitMs[by]).toISOString(),
  );
  return starts.map((start) => known.get(start) ?? { ...nothing, start });
}

const nothing: Omit<Bucket, "start"> = {
  workload_type: null,
  submitted: 0,
  completed: 0,
  failed: 0,
  cancelled: 0,
  still_open: 0,
  retries: 0,
  average_duration_seconds: null,
  p95_duration_seconds: null,
  average_wait_seconds: null,
  p95_wait_seconds: null,
};
