/** What is done to one workload: cancel, pause, resume, move, retry. */
import { exampleIds, exampleTimes, exampleWorkload } from "../../../schema/http/examples.ts";
import {
  moveBodySchema,
  pauseBodySchema,
  resumeBodySchema,
  retriedSchema,
  retryBodySchema,
} from "../../../schema/http/operation.ts";
import { cancelBodySchema, type WorkloadView, workloadViewSchema } from "../../../schema/http/workload.ts";
import type { WorkloadId } from "../../../schema/ids.ts";
import { pauseWaitSeconds } from "../../../schema/limits.ts";
import { isTerminal, type WorkloadEventType } from "../../../schema/status.ts";
import type { Action, Operation } from "../../coordinator/gateway.ts";
import { lettingGo, wasLetGo } from "../../domain/attempts.ts";
import type { ApiContext, ApiDependencies } from "../context.ts";
import type { Checked } from "../errors.ts";
import type { Idempotency } from "../idempotency.ts";
import { showRate } from "../rate-headers.ts";
import { type Route, reply, route } from "../route.ts";
import { workloadParam } from "./workloads.ts";

type Deps = Pick<ApiDependencies, "store" | "coordinators" | "pools">;
type Made = Exclude<Operation, { outcome: "refused" }>;

/** What all of them have in common. */
const lifecycle = {
  method: "POST",
  tag: "Workloads",
  access: "workloads:write",
  idempotent: true,
  params: { id: workloadParam },
  refusals: ["wrong_state", "unavailable"],
} as const;

const viewReply = (description: string, status: string) => ({
  description,
  schema: workloadViewSchema,
  example: { ...exampleWorkload, status },
});

export const cancelWorkload = (deps: Deps): Route =>
  route({
    ...lifecycle,
    path: "/v1/workloads/{id}/cancel",
    operationId: "cancelWorkload",
    summary: "Cancel a workload",
    description:
      "Cancelling what is cancelled changes nothing and answers 200; what has ended otherwise stays as it is.",
    body: { schema: cancelBodySchema, optional: true, example: { reason: "no longer needed" } },
    replies: { 200: viewReply("It is cancelled", "CANCELLED") },
    handle: async ({ params: { id }, body, idempotency }, c) => {
      const made = await operate(deps, c, id, { kind: "cancel", reason: body.reason ?? null }, idempotency);
      const workload = made.ok ? await viewOf(deps, c, id) : made;
      return workload.ok ? reply(200, workload.value) : { refusal: workload.refusal };
    },
  });

export const pauseWorkload = (deps: Deps): Route =>
  route({
    ...lifecycle,
    path: "/v1/workloads/{id}/pause",
    operationId: "pauseWorkload",
    summary: "Pause a workload",
    description: `A running workload takes a checkpoint first: this waits up to ${pauseWaitSeconds} seconds for it. 202 says that it goes on; \`pending_action\` says so until it is paused. Where the workload ended before its worker let go of it, the pause came too late: 400. The same request sent again under its key pauses nothing again, and has the same outcome: 400 where the pause came too late, 202 while it is under way still, else 200 with the workload as it is by then, also when it was resumed, or has ended since. A pause after a move that is under way keeps the move: what is resumed goes on at the new place.`,
    body: { schema: pauseBodySchema, optional: true, example: { reason: "maintenance" } },
    replies: {
      200: viewReply("It is paused; checkpoint_sequence says from where it will go on", "PAUSED"),
      202: { ...viewReply("Its worker has not let go of it yet", "RUNNING") },
    },
    handle: async ({ params: { id }, body, idempotency }, c) => {
      const made = await operate(deps, c, id, { kind: "pause", reason: body.reason ?? null }, idempotency);
      if (!made.ok) return { refusal: made.refusal };
      const isPending = made.value.outcome === "pending";
      if (isPending) await deps.coordinators.settled(c.var.customer.customerId, id, pauseWaitSeconds * 1_000);
      const workload = await viewOf(deps, c, id);
      if (!workload.ok) return { refusal: workload.refusal };
      return isPending ? pauseOutcome(deps, workload.value, made.value.generation) : reply(200, workload.value);
    },
  });

/** Told by the workload's history, so that it is the same as often as it is asked. */
async function pauseOutcome({ store }: Deps, view: WorkloadView, askedOf: number) {
  const { status, generation, pending_action } = view;
  if (isTerminal(status) && !wasLetGo(await newestOf(store, view, lettingGo), askedOf))
    return { refusal: { kind: "wrong_state", status, action: "pause" } } as const;
  const isUnderWay = pending_action !== null && generation === askedOf;
  return isUnderWay ? reply(202, view) : reply(200, view);
}

async function newestOf(store: Deps["store"], view: WorkloadView, types: readonly WorkloadEventType[]) {
  const { customer_id, workload_id } = view;
  const events = await Promise.all(types.map((type) => store.lastEvent(customer_id, workload_id, type)));
  return events.flatMap((event) =>
    event === null ? [] : [{ event_type: event.eventType, generation: event.generation }],
  );
}

export const resumeWorkload = (deps: Deps): Route =>
  route({
    ...lifecycle,
    path: "/v1/workloads/{id}/resume",
    operationId: "resumeWorkload",
    summary: "Resume a paused workload",
    description: "It waits for a slot again, and goes on from its newest checkpoint.",
    body: { schema: resumeBodySchema, optional: true, example: {} },
    replies: { 200: viewReply("It waits, or runs again already", "PENDING") },
    refusals: [...lifecycle.refusals, "queue_full"],
    handle: async ({ params: { id }, idempotency }, c) => {
      const made = await operate(deps, c, id, { kind: "resume" }, idempotency);
      const workload = made.ok ? await viewOf(deps, c, id) : made;
      return workload.ok ? reply(200, workload.value) : { refusal: workload.refusal };
    },
  });

export const moveWorkload = (deps: Deps): Route =>
  route({
    ...lifecycle,
    path: "/v1/workloads/{id}/move",
    operationId: "moveWorkload",
    summary: "Move a workload to another pool, or under another affinity",
    description: "Pause, change, resume in one. A running workload takes a checkpoint first and goes on from it.",
    body: { schema: moveBodySchema, example: { pool: "default", affinity_rules: null } },
    replies: { 202: viewReply("It moves; `pending_action` says whether its worker has let go", "RUNNING") },
    refusals: [...lifecycle.refusals, "unknown_pool"],
    handle: async ({ params: { id }, body: { pool, affinity_rules: affinity }, idempotency }, c) => {
      if (pool !== undefined && !deps.pools.pools.includes(pool)) return { refusal: { kind: "unknown_pool", pool } };
      const action: Action = {
        kind: "move",
        ...(pool === undefined ? {} : { pool }),
        ...(affinity === undefined ? {} : { affinity }),
      };
      const made = await operate(deps, c, id, action, idempotency);
      const workload = made.ok ? await viewOf(deps, c, id) : made;
      return workload.ok ? reply(202, workload.value) : { refusal: workload.refusal };
    },
  });

const exampleRetried = {
  workload_id: exampleIds.otherWorkload,
  status: "PENDING",
  created_at: exampleTimes.later,
  estimated_start_time: null,
  retry_of: exampleIds.workload,
};

export const retryWorkload = (deps: Deps): Route =>
  route({
    ...lifecycle,
    path: "/v1/workloads/{id}/retry",
    operationId: "retryWorkload",
    summary: "Run a failed or cancelled workload again, as a new one",
    description:
      "The old one stays as it is; the new one names it in `retry_of`. It costs a token and a place in the queue.",
    body: { schema: retryBodySchema, optional: true, example: { from_checkpoint: true } },
    replies: {
      202: {
        description: "The new workload",
        schema: retriedSchema,
        example: exampleRetried,
        headers: { Location: "Where the new workload can be read" },
      },
    },
    refusals: [...lifecycle.refusals, "queue_full", "rate_limited", "unknown_workload_type"],
    handle: async ({ params: { id }, body, idempotency }, c) => {
      const made = await operate(deps, c, id, { kind: "retry", fromCheckpoint: body.from_checkpoint }, idempotency);
      if (!made.ok) return { refusal: made.refusal };
      const { retryId } = made.value;
      if (retryId === undefined) throw new Error("the coordinator retried a workload without naming the new one");
      const workload = await viewOf(deps, c, retryId);
      if (!workload.ok) return { refusal: workload.refusal };
      return reply(202, retriedOf(workload.value, id), { Location: `/v1/workloads/${retryId}` });
    },
  });

/** As a submission is answered: accepted, whatever has become of it since. */
const retriedOf = ({ workload_id, created_at }: WorkloadView, retryOf: WorkloadId) => ({
  workload_id,
  status: "PENDING" as const,
  created_at,
  estimated_start_time: null,
  retry_of: retryOf,
});

/** One workload is a batch of one whose refusal is the answer. */
async function operate(
  { coordinators }: Deps,
  c: ApiContext,
  id: WorkloadId,
  action: Action,
  idempotency: Idempotency | null,
): Promise<Checked<Made>> {
  const actor = { type: "user" as const, id: c.var.principal.id };
  const request = { action, targets: { ids: [id] }, actor, idempotency };
  const answer = await coordinators.operate(c.var.customer.customerId, request);
  if (action.kind === "retry" && answer.rate !== null) showRate(c, answer.rate);
  if (!answer.ok) return answer;
  const [made] = answer.value.operations;
  if (made === undefined) throw new Error("the coordinator answered without naming the workload");
  return made.outcome === "refused" ? { ok: false, refusal: made.refusal } : { ok: true, value: made };
}

async function viewOf({ store }: Deps, c: ApiContext, id: WorkloadId): Promise<Checked<WorkloadView>> {
  const value = await store.workload(c.var.customer.customerId, id);
  return value === null ? { ok: false, refusal: { kind: "unknown_workload" } } : { ok: true, value };
}
