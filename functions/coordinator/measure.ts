/** What committed steps say about speed and outcomes, as samples. */
import { isTerminal } from "../../schema/status.ts";
import type { Sample } from "../domain/sample.ts";
import type { Change, Workload } from "../domain/workload.ts";
import type { Session } from "./session.ts";

const seconds = (from: number, to: number) => Math.max(0, to - from) / 1_000;

export function measureChanges(session: Session, changes: readonly Change[], now: number): void {
  const customer = session.lead.customerId;
  for (const change of changes) {
    session.samples.addAll(samplesOf(change, customer, now));
    session.samples.addAll(moved(session, change, now));
  }
}

/** From the loss of a worker to the next assignment. */
function* moved({ lostAt }: Session, { next }: Change, now: number): Iterable<Sample> {
  if (next.status === "REDISTRIBUTING") lostAt.set(next.workloadId, now);
  const since = lostAt.get(next.workloadId);
  if (since === undefined || next.status === "REDISTRIBUTING") return;
  lostAt.delete(next.workloadId);
  if (next.status !== "SCHEDULED") return;
  yield { histogram: "niyanta_redistribution_seconds", labels: {}, value: seconds(since, now) };
}

function* samplesOf({ from, next, checkpoints }: Change, customer: string, now: number): Iterable<Sample> {
  const labels = { customer, workload_type: next.workloadType };
  if (next.status === "SCHEDULED" && from.generation === 0) yield latency(next, now);
  for (const { bytes } of checkpoints) yield { histogram: "niyanta_checkpoint_size_bytes", labels: {}, value: bytes };
  if (isTerminal(next.status)) {
    const result = next.status.toLowerCase();
    yield {
      counter: "niyanta_workload_executions_total",
      labels: { workload_type: next.workloadType, result },
      value: 1,
    };
    yield {
      histogram: "niyanta_workload_duration_seconds",
      labels,
      value: seconds(next.createdAt, next.completedAt ?? now),
    };
  }
}

/** From the moment a workload could start to its first assignment: waiting that was asked for is none. */
export const latency = ({ createdAt, dueAt }: Workload, now: number): Sample => ({
  histogram: "niyanta_scheduling_latency_seconds",
  labels: {},
  value: seconds(Math.max(createdAt, dueAt ?? createdAt), now),
});
