/** Percentiles of what was measured. */

/** Nearest rank; of nothing it is not a number. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 50);

const hundredths = 100;
export const rounded = (value: number): number => Math.round(value * hundredths) / hundredths;

export const spread = (values: readonly number[]) => ({
  count: values.length,
  p50: rounded(percentile(values, 50)),
  p95: rounded(percentile(values, 95)),
  p99: rounded(percentile(values, 99)),
  worst: rounded(percentile(values, 100)),
});
