/** Operations on the workloads of one customer in a memory, where nothing ever runs by itself. */
import type { Action, Operated, OperateRequest, Operation } from "../../functions/coordinator/gateway.ts";
import { admit } from "../../functions/domain/admission.ts";
import { type Refusal, type Result, refuse } from "../../functions/domain/refusal.ts";
import type { WorkloadFilter } from "../../functions/store/store.ts";
import type { WorkloadView } from "../../schema/http/workload.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { isTerminal, type WorkloadStatus } from "../../schema/status.ts";
import type { Kept, Tenant } from "./memory-tenant.ts";

export interface OperationParts {
  readonly now: number;
  readonly newId: () => WorkloadId;
}

export function operateOn(tenant: Tenant, request: OperateRequest, parts: OperationParts): Result<Operated> {
  const { idempotency } = request;
  const known = idempotency === null ? undefined : tenant.answered.get(idempotency.key);
  if (known !== undefined && known.bodySha256 === idempotency?.bodySha256) return { ok: true, value: known.operated };
  if (known !== undefined || tenant.used.has(idempotency?.key ?? "")) return refuse({ kind: "idempotency_conflict" });
  const { ids, hasMore } = targetsOf(tenant, request);
  const operations = ids.map((id) => operation(tenant, id, request.action, parts));
  const room = operations.flatMap((one) => (one.outcome === "refused" && isRoom(one.refusal) ? [one.refusal] : []))[0];
  const isRefused = operations.length > 0 && operations.every(({ outcome }) => outcome === "refused");
  if (isRefused && room !== undefined) return refuse(room);
  const operated = { operations, hasMore };
  if (idempotency !== null && !isRefused) tenant.answered.set(idempotency.key, { ...idempotency, operated });
  return { ok: true, value: operated };
}

const isRoom = ({ kind }: Refusal): boolean => kind === "queue_full" || kind === "rate_limited";

function targetsOf(tenant: Tenant, { action, targets }: OperateRequest): { ids: WorkloadId[]; hasMore: boolean } {
  if ("ids" in targets) return { ids: [...targets.ids], hasMore: false };
  const meant = [...tenant.workloads.values()].filter(({ view }) => isMeant(view, targets.filter, action));
  const ids = meant.map(({ view }) => view.workload_id).reverse();
  return { ids: ids.slice(0, targets.max), hasMore: ids.length > targets.max };
}

const able: Readonly<Record<Action["kind"], (status: WorkloadStatus) => boolean>> = {
  cancel: (status) => !isTerminal(status),
  pause: (status) => !isTerminal(status) && status !== "PAUSED",
  resume: (status) => status === "PAUSED",
  move: (status) => !isTerminal(status),
  retry: (status) => status === "FAILED" || status === "CANCELLED",
};

const isMeant = (
  view: WorkloadView,
  { statuses, workloadType, labels = [] }: WorkloadFilter,
  { kind }: Action,
): boolean =>
  able[kind](view.status) &&
  (statuses === undefined || statuses.includes(view.status)) &&
  (workloadType === undefined || view.workload_type === workloadType) &&
  labels.every((label) => label in view.labels || Object.entries(view.labels).some((pair) => pair.join(":") === label));

function operation(tenant: Tenant, workloadId: WorkloadId, action: Action, parts: OperationParts): Operation {
  const kept = tenant.workloads.get(workloadId);
  if (kept === undefined) return { workloadId, outcome: "refused", refusal: { kind: "unknown_workload" } };
  const { status, generation } = kept.view;
  const wanted = { cancel: "CANCELLED", pause: "PAUSED", resume: "", move: "", retry: "" }[action.kind];
  if (status === wanted) return { workloadId, outcome: "unchanged", status, generation };
  if (!able[action.kind](status)) {
    return { workloadId, outcome: "refused", refusal: { kind: "wrong_state", status, action: action.kind } };
  }
  return action.kind === "retry" ? repeat(tenant, kept, parts) : change(kept, action);
}

function change(kept: Kept, action: Exclude<Action, { kind: "retry" }>): Operation {
  const { workload_id: workloadId, status } = kept.view;
  const isLater = status === "RUNNING" && (action.kind === "pause" || action.kind === "move");
  kept.view = { ...kept.view, ...(isLater ? { pending_action: action.kind } : changed(kept.view, action)) };
  const { status: now, generation } = kept.view;
  return { workloadId, outcome: isLater ? "pending" : "done", status: now, generation };
}

function changed(view: WorkloadView, action: Exclude<Action, { kind: "retry" }>): Partial<WorkloadView> {
  if (action.kind === "cancel")
    return { status: "CANCELLED", error: { type: "cancelled", message: action.reason ?? "" } };
  if (action.kind === "pause") return { status: "PAUSED" };
  if (action.kind === "resume") return { status: "PENDING" };
  const { pool = view.pool, affinity = view.affinity_rules } = action;
  return { status: "PENDING", pool, affinity_rules: affinity };
}

function repeat(tenant: Tenant, { view, audit }: Kept, { now, newId }: OperationParts): Operation {
  const { workload_id: workloadId, status, generation } = view;
  const queuedCount = [...tenant.workloads.values()].filter((kept) => kept.view.status === "PENDING").length;
  const room = admit({
    queuedCount,
    limits: tenant.limits,
    items: 1,
    bucket: tenant.bucket,
    slotsFreedPerSecond: null,
    now,
  });
  if (!room.ok) return { workloadId, outcome: "refused", refusal: room.refusal };
  tenant.bucket = room.bucket;
  const retryId = newId();
  const at = new Date(now).toISOString();
  const again = {
    ...view,
    status: "PENDING" as const,
    error: null,
    retry_of: workloadId,
    created_at: at,
    updated_at: at,
  };
  tenant.workloads.set(retryId, { view: { ...again, workload_id: retryId }, audit: audit.slice(0, 1), logs: [] });
  return { workloadId, outcome: "done", status, generation, retryId };
}
