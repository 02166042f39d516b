/** Why a workload is in the state that it is in. */
import { exampleIds, exampleTimes } from "../../../schema/http/examples.ts";
import { explanationSchema } from "../../../schema/http/explain.ts";
import type { ApiDependencies } from "../context.ts";
import { type Route, reply, route } from "../route.ts";
import { workloadParam } from "./workloads.ts";

const description = `Names the one rule that holds now. Of several that keep a workload waiting it names the most
lasting one: CUSTOMER_SUSPENDED, NOT_DUE or RETRY_BACKOFF, POOL_EMPTY, NO_CAPABLE_WORKER, HARD_AFFINITY, CUSTOMER_CAP,
ANTI_AFFINITY, RESOURCES, NO_FREE_SLOT, BEHIND_OTHERS, BEING_PLACED. Otherwise: ASSIGNED, RUNNING, PAUSING, MOVING,
PAUSED, COMPLETED, FAILED, CANCELLED. Workers that drain, or that have left an assignment unanswered, count as absent.
The estimate is made from the rate at which attempts of the customer have ended in the last five minutes, and from how
many of the same pool, type and affinity go first; where no end was measured it is null. A free slot means now.`;

export const explainWorkload = ({ coordinators }: Pick<ApiDependencies, "coordinators">): Route =>
  route({
    method: "GET",
    path: "/v1/workloads/{id}/explain",
    operationId: "explainWorkload",
    tag: "Workloads",
    summary: "Why a workload is in its state, its place in the queue, and when it will start",
    description,
    access: "workloads:read",
    params: { id: workloadParam },
    replies: {
      200: { description: "The rule that holds now", schema: explanationSchema, example: exampleExplanation },
    },
    refusals: ["unavailable"],
    handle: async ({ params: { id } }, c) => {
      const answer = await coordinators.explain(c.var.customer.customerId, id);
      return answer.ok ? reply(200, answer.value) : { refusal: answer.refusal };
    },
  });

const exampleExplanation = {
  workload_id: exampleIds.workload,
  status: "PENDING",
  rule: "NO_FREE_SLOT",
  message: "20 of 20 slots are taken on the workers that it may run on",
  details: { slots_used: 20, slots: 20 },
  queue: { position: 4, ahead: 3, depth: 12 },
  estimated_start_time: exampleTimes.later,
  forecast: { slots_freed_per_second: 2.5, measured_over_seconds: 300 },
  forecast_reason: null,
};
