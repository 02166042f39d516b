/** Submitting: POST /v1/workloads and POST /v1/workloads/batch. */
import type { z } from "zod";
import { batchBodySchema, inputTooLarge, type SubmitBody, submitBodySchema } from "../../../schema/http/submit.ts";
import { inputBytesMax, runAtAheadSecondsMax } from "../../../schema/limits.ts";
import type { SubmittedWorkload } from "../../coordinator/gateway.ts";
import type { ApiContext, ApiDependencies, ApiHandler } from "../context.ts";
import { type Checked, refuse } from "../errors.ts";
import { readJson } from "../json-body.ts";
import { showRate } from "../rate-headers.ts";
import { isoTime, timeProblem } from "../time.ts";
import { type Issue, invalid } from "../validation.ts";
import { idempotencyOf, readIdempotencyKey, readTraceparent } from "./submission-headers.ts";

type Deps = Pick<ApiDependencies, "coordinators" | "pools" | "clock">;

/** One way in: how its body becomes submissions, and how they are answered. */
interface Entrance<B> {
  readonly schema: z.ZodType<B>;
  bodies(body: B): readonly SubmitBody[];
  /** Where a submission stands in the body, for issues. */
  path(index: number): string;
  reply(c: ApiContext, submitted: readonly SubmittedWorkload[]): Response;
}

const view = (workload: SubmittedWorkload) => ({
  workload_id: workload.workloadId,
  status: "PENDING" as const,
  created_at: isoTime(workload.createdAt),
  estimated_start_time: workload.estimatedStartAt === null ? null : isoTime(workload.estimatedStartAt),
});

const single: Entrance<SubmitBody> = {
  schema: submitBodySchema,
  bodies: (body) => [body],
  path: () => "",
  reply(c, [workload]) {
    if (workload === undefined) throw new Error("the coordinator accepted a workload without naming it");
    return c.json(view(workload), 202, { Location: `/v1/workloads/${workload.workloadId}` });
  },
};

const batch: Entrance<z.infer<typeof batchBodySchema>> = {
  schema: batchBodySchema,
  bodies: (body) => body.workloads,
  path: (index) => `workloads.${index}.`,
  reply: (c, submitted) => c.json({ workloads: submitted.map(view) }, 202),
};

export const submitWorkload = (deps: Deps): ApiHandler => submitThrough(deps, single);
export const submitBatch = (deps: Deps): ApiHandler => submitThrough(deps, batch);

const submitThrough =
  <B>(deps: Deps, entrance: Entrance<B>): ApiHandler =>
  async (c) => {
    const key = readIdempotencyKey(c);
    if (!key.ok) return refuse(c, key.refusal);
    const bodies = await readBodies(c, deps, entrance);
    if (!bodies.ok) return refuse(c, bodies.refusal);
    const { customerId, keyId } = c.var.customer;
    const answer = await deps.coordinators.submit(customerId, {
      bodies: bodies.value,
      idempotency: await idempotencyOf(c, key.value, bodies.value),
      actor: { type: "user", id: keyId },
      traceparent: readTraceparent(c),
    });
    if (answer.rate !== null) showRate(c, answer.rate);
    return answer.ok ? entrance.reply(c, answer.value) : refuse(c, answer.refusal);
  };

async function readBodies<B>(
  c: ApiContext,
  deps: Deps,
  entrance: Entrance<B>,
): Promise<Checked<readonly SubmitBody[]>> {
  const read = await readJson(c.req.raw, entrance.schema);
  if (!read.ok) return read;
  const bodies = entrance.bodies(read.value.value);
  // Measuring an input means writing it out again: only where one could be too large at all.
  if (read.value.bytes > inputBytesMax && bodies.some(inputTooLarge)) return inputRefused;
  const issues = issuesOf(bodies, deps, entrance.path);
  return issues.length === 0 ? { ok: true, value: bodies } : { ok: false, refusal: invalid(issues) };
}

const inputRefused = {
  ok: false,
  refusal: {
    kind: "too_large",
    message: `input_params is larger than ${inputBytesMax} bytes`,
    details: { bytes_max: inputBytesMax },
  },
} as const;

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
