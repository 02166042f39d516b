/** What is done to many workloads at once, by their ids or by a filter: POST /v1/workloads/batch/{cancel,pause,resume,retry}. */
import type { z } from "zod";
import { exampleIds } from "../../../schema/http/examples.ts";
import {
  batchCancelSchema,
  batchPauseSchema,
  batchResumeSchema,
  batchRetrySchema,
  operatedSchema,
  type operationSchema,
  type WorkloadFilterBody,
} from "../../../schema/http/operation.ts";
import { type WorkloadId, workloadIdSchema } from "../../../schema/ids.ts";
import type { Json } from "../../../schema/json.ts";
import { batchItemsMax } from "../../../schema/limits.ts";
import type { Action, Operated, OperateRequest, Operation, WorkloadFilter } from "../../coordinator/gateway.ts";
import type { ApiDependencies } from "../context.ts";
import { type ApiRefusal, errorOf } from "../errors.ts";
import { showRate } from "../rate-headers.ts";
import { type Route, reply, route } from "../route.ts";
import { timeProblem } from "../time.ts";
import { invalidAt } from "../validation.ts";

type Deps = Pick<ApiDependencies, "coordinators">;

interface Targets {
  readonly ids?: readonly string[] | undefined;
  readonly filter?: WorkloadFilterBody | undefined;
}

const exampleTargets = { filter: { status: ["PENDING"], label: ["team:reports"] } };
const exampleReply = {
  count: 1,
  operations: [{ workload_id: exampleIds.workload, outcome: "done", status: "CANCELLED", retry_id: null, error: null }],
  has_more: false,
};

interface BatchSpec<B> {
  readonly name: Action["kind"];
  readonly summary: string;
  readonly schema: z.ZodType<B>;
  readonly example: Json;
  action(body: B): Action;
}

export const batchCancel = (deps: Deps): Route =>
  batchRoute(deps, {
    name: "cancel",
    summary: "Cancel many workloads",
    schema: batchCancelSchema,
    example: { ...exampleTargets, reason: "the import was withdrawn" },
    action: ({ reason = null }) => ({ kind: "cancel", reason }),
  });

export const batchPause = (deps: Deps): Route =>
  batchRoute(deps, {
    name: "pause",
    summary: "Pause many workloads",
    schema: batchPauseSchema,
    example: { ...exampleTargets, reason: "maintenance" },
    action: ({ reason = null }) => ({ kind: "pause", reason }),
  });

export const batchResume = (deps: Deps): Route =>
  batchRoute(deps, {
    name: "resume",
    summary: "Resume many paused workloads",
    schema: batchResumeSchema,
    example: { ids: [exampleIds.workload] },
    action: () => ({ kind: "resume" }),
  });

export const batchRetry = (deps: Deps): Route =>
  batchRoute(deps, {
    name: "retry",
    summary: "Run many failed or cancelled workloads again, as new ones",
    schema: batchRetrySchema,
    example: { filter: { status: ["FAILED"] }, from_checkpoint: true },
    action: ({ from_checkpoint: fromCheckpoint }) => ({ kind: "retry", fromCheckpoint }),
  });

const capitalised = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

const batchRoute = <B extends Targets>(deps: Deps, { name, summary, schema, example, action }: BatchSpec<B>): Route =>
  route({
    method: "POST",
    path: `/v1/workloads/batch/${name}`,
    operationId: `batch${capitalised(name)}`,
    tag: "Workloads",
    summary,
    description: `By ids, or by a filter: then the newest ${batchItemsMax} that match and for which it is possible, and \`has_more\` says whether to ask again. Each is answered for itself.`,
    access: "workloads:write",
    idempotent: true,
    body: { schema, example },
    replies: { 200: { description: "What happened to each", schema: operatedSchema, example: exampleReply } },
    refusals: ["unavailable", "queue_full", "rate_limited"],
    handle: async ({ body, idempotency }, c) => {
      const problem = badTime(body.filter);
      if (problem !== null) return problem;
      const actor = { type: "user" as const, id: c.var.principal.id };
      const request = { action: action(body), targets: targetsOf(body), actor, idempotency };
      const answer = await deps.coordinators.operate(c.var.customer.customerId, request);
      if (name === "retry" && answer.rate !== null) showRate(c, answer.rate);
      return answer.ok ? reply(200, viewOf(answer.value, strangersOf(body))) : { refusal: answer.refusal };
    },
  });

function badTime(filter: WorkloadFilterBody | undefined) {
  for (const name of ["created_after", "created_before"] as const) {
    const given = filter?.[name];
    const problem = given === undefined ? null : timeProblem(given);
    if (problem !== null) return { refusal: invalidAt(`filter.${name}`, problem).refusal };
  }
  return null;
}

/** The schema says that it is either; an id that comes twice is done once. */
const targetsOf = ({ ids, filter }: Targets): OperateRequest["targets"] =>
  ids === undefined ? { filter: filterOf(filter ?? {}), max: batchItemsMax } : { ids: [...new Set(ids.filter(isId))] };

const isId = (text: string): text is WorkloadId => workloadIdSchema.safeParse(text).success;

/** What is no id names no workload, like an id that is unknown. */
const strangersOf = ({ ids = [] }: Targets): string[] => [...new Set(ids.filter((id) => !isId(id)))];

const filterOf = (filter: WorkloadFilterBody): WorkloadFilter => ({
  ...(filter.status === undefined ? {} : { statuses: filter.status }),
  ...(filter.workload_type === undefined ? {} : { workloadType: filter.workload_type }),
  ...(filter.label === undefined ? {} : { labels: filter.label }),
  ...(filter.created_after === undefined ? {} : { createdAfter: Date.parse(filter.created_after) }),
  ...(filter.created_before === undefined ? {} : { createdBefore: Date.parse(filter.created_before) }),
});

const viewOf = ({ operations, hasMore }: Operated, strangers: readonly string[]): z.input<typeof operatedSchema> => ({
  count: operations.filter(({ outcome }) => outcome === "done" || outcome === "pending").length,
  operations: [...operations.map(operationOf), ...strangers.map((id) => refusedOf(id, { kind: "unknown_workload" }))],
  has_more: hasMore,
});

const refusedOf = (workload_id: string, refusal: ApiRefusal): z.input<typeof operationSchema> => ({
  workload_id,
  outcome: "refused",
  status: null,
  retry_id: null,
  error: errorOf(refusal),
});

function operationOf(operation: Operation): z.input<typeof operationSchema> {
  const { workloadId: workload_id, outcome } = operation;
  if (operation.outcome === "refused") return refusedOf(workload_id, operation.refusal);
  return { workload_id, outcome, status: operation.status, retry_id: operation.retryId ?? null, error: null };
}
