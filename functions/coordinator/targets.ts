/** The workloads that an operation is about, as they are now. */
import type { WorkloadId } from "../../schema/ids.ts";
import { batchItemsMax } from "../../schema/limits.ts";
import { isTerminal, type WorkloadStatus, workloadStatuses } from "../../schema/status.ts";
import type { Workload } from "../domain/workload.ts";
import type { Selection, WorkloadFilter } from "../store/store.ts";
import type { Action, OperateRequest } from "./gateway.ts";
import type { CoordinatorDeps, Session } from "./session.ts";

/** One that was asked for by its id, and is not there, is null. */
export interface FoundTargets {
  readonly workloads: ReadonlyMap<WorkloadId, Workload | null>;
  readonly hasMore: boolean;
}

export function findTargets(
  deps: CoordinatorDeps,
  session: Session,
  { action, targets }: Pick<OperateRequest, "action" | "targets">,
): Promise<FoundTargets> {
  return "ids" in targets
    ? findByIds(deps, session, targets.ids)
    : findByFilter(deps, selectionOf(deps, session, action, targets.filter), Math.min(targets.max, batchItemsMax));
}

async function findByIds(
  { store, customerId }: CoordinatorDeps,
  { book }: Session,
  ids: readonly WorkloadId[],
): Promise<FoundTargets> {
  const asked = [...new Set(ids)].slice(0, batchItemsMax);
  const missing = asked.filter((id) => book.get(id) === undefined);
  const read = missing.length === 0 ? [] : await store.find(customerId, missing);
  const found = new Map(read.map((workload) => [workload.workloadId, workload]));
  const workloads = new Map(asked.map((id) => [id, book.get(id) ?? found.get(id) ?? null]));
  return { workloads, hasMore: false };
}

async function findByFilter(
  { store, customerId }: CoordinatorDeps,
  selection: Selection,
  max: number,
): Promise<FoundTargets> {
  if (selection.statuses.length === 0) return { workloads: new Map(), hasMore: false };
  const read = await store.select(customerId, selection, max + 1);
  const workloads = new Map(read.slice(0, max).map((workload) => [workload.workloadId, workload]));
  return { workloads, hasMore: read.length > max };
}

/** Only those with which the action can do something, now or when there is room: asking again comes to an end. */
function selectionOf(
  { poolNames }: CoordinatorDeps,
  { customer }: Session,
  { kind }: Action,
  { statuses = workloadStatuses, ...filter }: WorkloadFilter,
): Selection {
  const able = statuses.filter((status) => isAble(kind, status));
  return {
    ...filter,
    statuses: able,
    ...(kind === "pause" ? { notIntended: kind } : {}),
    ...(kind === "retry" ? { notRetried: true, types: [...customer.types.keys()], pools: poolNames } : {}),
  };
}

function isAble(kind: Action["kind"], status: WorkloadStatus): boolean {
  if (kind === "retry") return status === "FAILED" || status === "CANCELLED";
  if (kind === "resume") return status === "PAUSED";
  if (kind === "pause") return status !== "PAUSED" && !isTerminal(status);
  return !isTerminal(status);
}
