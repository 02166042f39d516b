/** The attempts at a workload. */
import { attemptListSchema } from "../../../schema/http/attempt.ts";
import { exampleIds, exampleTimes } from "../../../schema/http/examples.ts";
import { attemptsOf } from "../../domain/attempts.ts";
import type { ApiDependencies } from "../context.ts";
import { type Route, reply, route } from "../route.ts";
import { workloadParam } from "./workloads.ts";

export const getAttempts = ({ store }: Pick<ApiDependencies, "store">): Route =>
  route({
    method: "GET",
    path: "/v1/workloads/{id}/attempts",
    operationId: "getWorkloadAttempts",
    tag: "Workloads",
    summary: "The attempts at a workload, in order: who, when, how it ended, and from which checkpoint it began",
    access: "workloads:read",
    params: { id: workloadParam },
    replies: { 200: { description: "One row an attempt", schema: attemptListSchema, example: exampleAttempts } },
    handle: async ({ params: { id } }, c) => {
      const events = await store.audit(c.var.customer.customerId, id);
      if (events === null) return { refusal: { kind: "unknown_workload" } };
      return reply(200, { workload_id: id, attempts: [...attemptsOf(events)] });
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
};
