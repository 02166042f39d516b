/** The checkpoints of a workload: what is known of them, never their bytes. */
import { checkpointListSchema } from "../../../schema/http/attempt.ts";
import { exampleIds, exampleTimes } from "../../../schema/http/examples.ts";
import type { ApiDependencies } from "../context.ts";
import { type Route, reply, route } from "../route.ts";
import { workloadParam } from "./workloads.ts";

export const getCheckpoints = ({ store }: Pick<ApiDependencies, "store">): Route =>
  route({
    method: "GET",
    path: "/v1/workloads/{id}/checkpoints",
    operationId: "getWorkloadCheckpoints",
    tag: "Workloads",
    summary: "The checkpoints that are kept of a workload, newest first",
    access: "workloads:read",
    params: { id: workloadParam },
    replies: {
      200: { description: "One row a checkpoint", schema: checkpointListSchema, example: exampleCheckpoints },
    },
    handle: async ({ params: { id } }, c) => {
      const checkpoints = await store.checkpoints(c.var.customer.customerId, id);
      if (checkpoints === null) return { refusal: { kind: "unknown_workload" } };
      return reply(200, { workload_id: id, checkpoints: [...checkpoints] });
    },
  });

const exampleCheckpoints = {
  workload_id: exampleIds.workload,
  checkpoints: [{ sequence: 4, size_bytes: 18_211, generation: 1, created_at: exampleTimes.later }],
};
