/** Views of workloads in a memory: made, filtered and paged. */
import type { Page } from "../../functions/store/store.ts";
import type { SubmitBody } from "../../schema/http/submit.ts";
import type { ListQuery, WorkloadView } from "../../schema/http/workload.ts";
import type { CustomerId, WorkloadId } from "../../schema/ids.ts";

export const matches = (view: WorkloadView, { status, workload_type, label = [] }: ListQuery): boolean =>
  (status === undefined || status.includes(view.status)) &&
  (workload_type === undefined || view.workload_type === workload_type) &&
  label.every((text) => {
    const [name = "", value = ""] = text.split(/:(.*)/s);
    return view.labels[name] === value;
  });

export function pageOf<T>(
  items: readonly T[],
  cursor: string | undefined,
  limit: number,
  offset: number,
): Page<T> | "bad_cursor" {
  const from = cursor === undefined ? offset : Number(/^at(\d+)$/.exec(cursor)?.[1] ?? -1);
  if (from < 0) return "bad_cursor";
  const hasMore = items.length > from + limit;
  return { items: items.slice(from, from + limit), hasMore, nextCursor: hasMore ? `at${from + limit}` : null };
}

export const viewOf = (
  customer_id: CustomerId,
  workload_id: WorkloadId,
  body: SubmitBody,
  at: string,
): WorkloadView => ({
  workload_id,
  customer_id,
  workload_type: body.workload_type,
  status: "PENDING",
  priority: body.priority,
  progress_percent: 0,
  progress_message: null,
  worker_id: null,
  pool: body.pool,
  labels: body.labels,
  input_params: body.input_params,
  result_data: null,
  error: null,
  retry_count: 0,
  death_count: 0,
  generation: 0,
  checkpoint_sequence: 0,
  affinity_rules: body.affinity_rules ?? null,
  timeout_seconds: body.timeout_seconds ?? null,
  retry_of: null,
  pending_action: null,
  created_at: at,
  run_at: body.run_at ?? null,
  scheduled_at: null,
  started_at: null,
  completed_at: null,
  updated_at: at,
  estimated_completion_time: null,
});
