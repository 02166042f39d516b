/** Submitting: POST /v1/workloads and POST /v1/workloads/batch. */
import { exampleIds, exampleTimes } from "../../../schema/http/examples.ts";
import {
  batchBodySchema,
  batchSubmittedSchema,
  inputTooLarge,
  type SubmitBody,
  submitBodySchema,
  submittedSchema,
} from "../../../schema/http/submit.ts";
import { inputBytesMax, runAtAheadSecondsMax } from "../../../schema/limits.ts";
import type { SubmittedWorkload } from "../../coordinator/gateway.ts";
import type { ApiContext, ApiDependencies } from "../context.ts";
import type { ApiRefusal } from "../errors.ts";
import { readTraceparent } from "../idempotency.ts";
import { showRate } from "../rate-headers.ts";
import { type Input, type Route, reply, route } from "../route.ts";
import { isoTime, timeProblem } from "../time.ts";
import { type Issue, invalid } from "../validation.ts";

type Deps = Pick<ApiDependencies, "coordinators" | "pools" | "clock">;

const view = (workload: SubmittedWorkload) => ({
  workload_id: workload.workloadId,
  status: "PENDING" as const,
  created_at: isoTime(workload.createdAt),
  estimated_start_time: workload.estimatedStartAt === null ? null : isoTime(workload.estimatedStartAt),
});

const exampleBody = {
  workload_type: "text.wordcount",
  input_params: { path: "/data/books.txt" },
  priority: 20,
  labels: { team: "reports" },
};
const exampleSubmitted = {
  workload_id: exampleIds.workload,
  status: "PENDING",
  created_at: exampleTimes.created,
  estimated_start_time: exampleTimes.scheduled,
};

/** What both ways in have in common. */
const entrance = {
  method: "POST",
  tag: "Workloads",
  access: "workloads:write",
  submits: true,
  idempotent: true,
  refusals: [
    "unknown_workload_type",
    "unknown_pool",
    "batch_exceeds_queue",
    "batch_exceeds_burst",
    "queue_full",
    "unavailable",
    "unstorable",
  ],
} as const;

export const submitWorkload = (deps: Deps): Route =>
  route({
    ...entrance,
    path: "/v1/workloads",
    operationId: "submitWorkload",
    summary: "Submit a workload",
    body: { schema: submitBodySchema, example: exampleBody },
    replies: {
      202: {
        description: "Accepted: it is stored, and will not be lost",
        schema: submittedSchema,
        example: exampleSubmitted,
        headers: { Location: "Where the workload can be read" },
      },
    },
    handle: async (input, c) => {
      const answer = await submit(deps, c, input, [input.body], () => "");
      if (!answer.ok) return { refusal: answer.refusal };
      const [workload] = answer.value;
      if (workload === undefined) throw new Error("the coordinator accepted a workload without naming it");
      return reply(202, view(workload), { Location: `/v1/workloads/${workload.workloadId}` });
    },
  });

export const submitBatch = (deps: Deps): Route =>
  route({
    ...entrance,
    path: "/v1/workloads/batch",
    operationId: "submitBatch",
    summary: "Submit up to 1,000 workloads, all or none",
    body: { schema: batchBodySchema, example: { workloads: [exampleBody] } },
    replies: {
      202: {
        description: "Accepted, in the order of the request",
        schema: batchSubmittedSchema,
        example: { workloads: [exampleSubmitted] },
      },
    },
    handle: async (input, c) => {
      const answer = await submit(deps, c, input, input.body.workloads, (index) => `workloads.${index}.`);
      return answer.ok ? reply(202, { workloads: answer.value.map(view) }) : { refusal: answer.refusal };
    },
  });

type Submitted = { ok: true; value: readonly SubmittedWorkload[] } | { ok: false; refusal: ApiRefusal };

/** `path` says where a submission stands in the body, for issues. */
async function submit(
  deps: Deps,
  c: ApiContext,
  { idempotency, bodyBytes }: Pick<Input<unknown, unknown, unknown>, "idempotency" | "bodyBytes">,
  bodies: readonly SubmitBody[],
  path: (index: number) => string,
): Promise<Submitted> {
  const refusal = refusalOf(deps, bodies, bodyBytes, path);
  if (refusal !== null) return { ok: false, refusal };
  const { customer, principal } = c.var;
  const answer = await deps.coordinators.submit(customer.customerId, {
    bodies,
    idempotency,
    actor: { type: "user", id: principal.id },
    traceparent: readTraceparent(c),
  });
  if (answer.rate !== null) {
    showRate(c, answer.rate);
    c.var.countedElsewhere();
  }
  return answer;
}

function refusalOf(
  deps: Deps,
  bodies: readonly SubmitBody[],
  bodyBytes: number,
  path: (index: number) => string,
): ApiRefusal | null {
  // Measuring an input means writing it out again: only where one could be too large at all.
  if (bodyBytes > inputBytesMax && bodies.some(inputTooLarge)) return inputRefused;
  const issues = issuesOf(bodies, deps, path);
  return issues.length === 0 ? null : invalid(issues);
}

const inputRefused: ApiRefusal = {
  kind: "too_large",
  message: `input_params is larger than ${inputBytesMax} bytes`,
  details: { bytes_max: inputBytesMax },
};

/** What a schema alone cannot know: which pools there are, and what time it is. */
function issuesOf(bodies: readonly SubmitBody[], deps: Deps, path: (index: number) => string): Issue[] {
  const latest = deps.clock() + runAtAheadSecondsMax * 1_000;
  const { pools } = deps.pools;
  const issues: Issue[] = [];
  bodies.forEach((body, index) => {
    if (!pools.includes(body.pool)) issues.push({ path: `${path(index)}pool`, message: "there is no such pool" });
    const problem = body.run_at === undefined ? null : runAtProblem(body.run_at, latest);
    if (problem !== null) issues.push({ path: `${path(index)}run_at`, message: problem });
  });
  return issues;
}

const runAtProblem = (runAt: string, latest: number): string | null =>
  Date.parse(runAt) > latest ? `more than ${runAtAheadSecondsMax} seconds ahead` : timeProblem(runAt);
