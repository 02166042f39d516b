/** What was recorded about a workload: its audit trail and its log lines. */
import { exampleIds, exampleTimes } from "../../../schema/http/examples.ts";
import { auditTrailSchema, logPageSchema, logQuerySchema } from "../../../schema/http/workload.ts";
import type { ApiDependencies } from "../context.ts";
import { type Route, reply, route } from "../route.ts";
import { badCursor, workloadParam } from "./workloads.ts";

export const getAudit = ({ store }: Pick<ApiDependencies, "store">): Route =>
  route({
    method: "GET",
    path: "/v1/workloads/{id}/audit",
    operationId: "getWorkloadAudit",
    tag: "Workloads",
    summary: "The audit events of a workload, in order",
    access: "workloads:read",
    params: { id: workloadParam },
    replies: { 200: { description: "Every change of this workload", schema: auditTrailSchema, example: exampleTrail } },
    handle: async ({ params: { id } }, c) => {
      const events = await store.audit(c.var.customer.customerId, id);
      if (events === null) return { refusal: { kind: "unknown_workload" } };
      return reply(200, { workload_id: id, events: [...events] });
    },
  });

const exampleTrail = {
  workload_id: exampleIds.workload,
  events: [
    {
      event_id: "48121",
      event_type: "workload.created",
      timestamp: exampleTimes.created,
      actor_type: "user",
      actor_id: exampleIds.key,
      generation: 0,
      details: {},
    },
  ],
};

const logShape = { schema: logQuerySchema, repeatable: [], times: ["since", "until"] } as const;

export const getLogs = ({ store }: Pick<ApiDependencies, "store">): Route =>
  route({
    method: "GET",
    path: "/v1/workloads/{id}/logs",
    operationId: "getWorkloadLogs",
    tag: "Workloads",
    summary: "Log lines of a workload, oldest first",
    access: "workloads:read",
    params: { id: workloadParam },
    query: logShape,
    replies: { 200: { description: "A page of lines", schema: logPageSchema, example: exampleLogs } },
    handle: async ({ params: { id }, query }, c) => {
      const page = await store.logs(c.var.customer.customerId, id, query);
      if (page === null) return { refusal: { kind: "unknown_workload" } };
      if (page === "bad_cursor") return badCursor;
      const { items, hasMore, nextCursor } = page;
      return reply(200, { workload_id: id, logs: [...items], has_more: hasMore, next_cursor: nextCursor });
    },
  });

const exampleLogs = {
  workload_id: exampleIds.workload,
  logs: [
    {
      timestamp: exampleTimes.started,
      level: "info",
      message: "reading /data/books.txt",
      generation: 1,
      details: null,
    },
  ],
  has_more: false,
  next_cursor: null,
};
