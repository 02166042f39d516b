/** The attempts at a workload. */
import { attemptListSchema, attemptQuerySchema } from "../../../schema/http/attempt.ts";
import { exampleIds, exampleTimes } from "../../../schema/http/examples.ts";
import type { ApiDependencies } from "../context.ts";
import { type Route, reply, route } from "../route.ts";
import { badCursor, workloadParam } from "./workloads.ts";

const attemptShape = { schema: attemptQuerySchema, repeatable: [], times: [] } as const;

export const getAttempts = ({ store }: Pick<ApiDependencies, "store">): Route =>
  route({
    method: "GET",
    path: "/v1/workloads/{id}/attempts",
    operationId: "getWorkloadAttempts",
    tag: "Workloads",
    summary: "The attempts at a workload, oldest first: who, when, how it ended, and from which checkpoint it began",
    access: "workloads:read",
    params: { id: workloadParam },
    query: attemptShape,
    replies: { 200: { description: "One row an attempt", schema: attemptListSchema, example: exampleAttempts } },
    handle: async ({ params: { id }, query }, c) => {
      const page = await store.attempts(c.var.customer.customerId, id, query);
      if (page === null) return { refusal: { kind: "unknown_workload" } };
      if (page === "bad_cursor") return badCursor;
      const { items, hasMore, nextCursor } = page;
      return reply(200, { workload_id: id, attempts: [...items], has_more: hasMore, next_cursor: nextCursor });
    },
  });

const exampleAttempts = {
  workload_id: exampleIds.workload,
  attempts: [
    {
      generation: 1,
      worker_id: exampleIds.worker,
      scheduled_at: exampleTimes.scheduled,
      started_at: exampleTimes.started,
      ended_at: exampleTimes.later,
      outcome: "retried",
      error: { type: "ECONNRESET", message: "the connection was lost" },
      from_checkpoint: null,
    },
  ],
  has_more: false,
  next_cursor: null,
};
