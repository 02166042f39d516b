/** Measurements as data: coordinators take them, the pool's scheduler keeps them for /metrics. */
export type CounterName =
  | "niyanta_workload_submissions_total"
  | "niyanta_workload_executions_total"
  | "niyanta_fenced_writes_total"
  | "niyanta_broker_unreadable_total"
  | "niyanta_broker_forged_total";

export type HistogramName =
  | "niyanta_workload_duration_seconds"
  | "niyanta_scheduling_latency_seconds"
  | "niyanta_checkpoint_size_bytes"
  | "niyanta_redistribution_seconds";

/** A counter's increment, or one observation of a histogram. */
export type Sample =
  | { readonly counter: CounterName; readonly labels: Readonly<Record<string, string>>; readonly value: number }
  | { readonly histogram: HistogramName; readonly labels: Readonly<Record<string, string>>; readonly value: number };
