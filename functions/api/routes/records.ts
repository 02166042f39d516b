/** What was recorded about a workload: its audit trail and its log lines. */
import { exampleIds, exampleTimes } from "../../../schema/http/examples.ts";
import { auditQuerySchema, auditTrailSchema, logPageSchema, logQuerySchema } from "../../../schema/http/workload.ts";
import type { ApiDependencies } from "../context.ts";
import { type Route, reply, route } from "../route.ts";
import { badCursor, workloadParam } from "./workloads.ts";

const auditShape = { schema: auditQuerySchema, repeatable: [], times: [] } as const;

export const getAudit = ({ store }: Pick<ApiDependencies, "store">): Route =>
  route({
    method: "GET",
    path: "/v1/workloads/{id}/audit",
    operationId: "getWorkloadAudit",
    tag: "Workloads",
    summary: "The audit events of a workload, oldest first",
    access: "workloads:read",
    params: { id: workloadParam },
    query: auditShape,
    replies: { 200: { description: "A page of changes", schema: auditTrailSchema, example: exampleTrail } },
    handle: async ({ params: { id }, query }, c) => {
      const page = await store.audit(c.var.customer.customerId, id, query);
      if (page === null) return { refusal: { kind: "unknown_workload" } };
      if (page === "bad_cursor") return badCursor;
      const { items, hasMore, nextCursor } = page;
      return reply(200, { workload_id: id, events: [...items], has_more: hasMore, next_cursor: nextCursor });
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
  has_more: false,
  next_cursor: null,
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
