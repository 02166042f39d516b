/** From what a store holds of a workload to what a client reads. */
import type { Affinity } from "../../schema/affinity.ts";
import type { WorkloadView } from "../../schema/http/workload.ts";
import type { CustomerId, WorkloadId } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import type { Workload } from "../domain/workload.ts";

type FromDecisions = Pick<
  Workload,
  | "workloadId"
  | "workloadType"
  | "status"
  | "priority"
  | "progressPercent"
  | "progressMessage"
  | "workerId"
  | "pool"
  | "retryCount"
  | "deathCount"
  | "generation"
  | "checkpointSequence"
  | "createdAt"
  | "scheduledAt"
  | "startedAt"
  | "completedAt"
>;

/** Times in milliseconds. */
export interface StoredWorkload extends FromDecisions {
  readonly customerId: CustomerId;
  readonly affinity: Affinity | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly input: Json;
  readonly result: Json;
  readonly error: { readonly type: string; readonly message: string } | null;
  readonly timeoutSeconds: number | null;
  readonly retriedFrom: WorkloadId | null;
  readonly pendingAction: WorkloadView["pending_action"];
  readonly runAt: number | null;
  readonly updatedAt: number;
}

const iso = (at: number): string => new Date(at).toISOString();
const isoOrNull = (at: number | null): string | null => (at === null ? null : iso(at));

export const toView = (stored: StoredWorkload): WorkloadView => ({
  workload_id: stored.workloadId,
  customer_id: stored.customerId,
  workload_type: stored.workloadType,
  status: stored.status,
  priority: stored.priority,
  progress_percent: stored.progressPercent,
  progress_message: stored.progressMessage,
  worker_id: stored.workerId,
  pool: stored.pool,
  labels: stored.labels,
  input_params: stored.input,
  result_data: stored.result,
  error: stored.error,
  retry_count: stored.retryCount,
  death_count: stored.deathCount,
  generation: stored.generation,
  checkpoint_sequence: stored.checkpointSequence,
  affinity_rules: stored.affinity,
  timeout_seconds: stored.timeoutSeconds,
  retry_of: stored.retriedFrom,
  pending_action: stored.pendingAction,
  created_at: iso(stored.createdAt),
  run_at: isoOrNull(stored.runAt),
  scheduled_at: isoOrNull(stored.scheduledAt),
  started_at: isoOrNull(stored.startedAt),
  completed_at: isoOrNull(stored.completedAt),
  updated_at: iso(stored.updatedAt),
  estimated_completion_time: isoOrNull(estimatedCompletion(stored)),
});

/** As fast as up to the last report; unknown before the first. */
function estimatedCompletion({ status, startedAt, updatedAt, progressPercent }: StoredWorkload): number | null {
  if (status !== "RUNNING" || startedAt === null || progressPercent <= 0) return null;
  return Math.round(startedAt + ((updatedAt - startedAt) * 100) / progressPercent);
}
