/** Reading workloads: one, and the list. */
import type { z } from "zod";
import { exampleIds, exampleWorkload } from "../../../schema/http/examples.ts";
import {
  type ListQuery,
  listQuerySchema,
  type WorkloadView,
  workloadListSchema,
  workloadViewSchema,
} from "../../../schema/http/workload.ts";
import { workloadIdSchema } from "../../../schema/ids.ts";
import type { Page } from "../../store/store.ts";
import type { ApiDependencies } from "../context.ts";
import { param, type Route, reply, route } from "../route.ts";
import { invalidAt } from "../validation.ts";

/** An id that is none names no workload: the same answer as for one that does not exist. */
export const workloadParam = param(workloadIdSchema, {
  unknown: { kind: "unknown_workload" },
  description: "The id of a workload",
  example: exampleIds.workload,
});

export const getWorkload = ({ store }: Pick<ApiDependencies, "store">): Route =>
  route({
    method: "GET",
    path: "/v1/workloads/{id}",
    operationId: "getWorkload",
    tag: "Workloads",
    summary: "One workload with all its fields",
    description:
      "Also of one that is archived (90 days after its end, unless the operator says otherwise): it is read by its id, in no list any more, and no operation finds it.",
    access: "workloads:read",
    params: { id: workloadParam },
    replies: { 200: { description: "The workload", schema: workloadViewSchema, example: exampleWorkload } },
    handle: async ({ params: { id } }, c) => {
      const workload = await store.workload(c.var.customer.customerId, id);
      return workload === null ? { refusal: { kind: "unknown_workload" } } : reply(200, workload);
    },
  });

const listShape = {
  schema: listQuerySchema,
  repeatable: ["label", "status"],
  times: ["created_after", "created_before"],
} as const;

export const listWorkloads = ({ store }: Pick<ApiDependencies, "store">): Route =>
  route({
    method: "GET",
    path: "/v1/workloads",
    operationId: "listWorkloads",
    tag: "Workloads",
    summary: "Workloads of the customer, newest first, or most urgent first",
    access: "workloads:read",
    query: listShape,
    replies: { 200: { description: "A page of workloads", schema: workloadListSchema, example: exampleList } },
    handle: async ({ query }, c) => {
      if (query.cursor !== undefined && query.offset !== undefined) return cursorAndOffset;
      const page = await store.list(c.var.customer.customerId, query);
      return page === "bad_cursor" ? badCursor : reply(200, listView(page, query));
    },
  });

const exampleList = {
  workloads: [exampleWorkload],
  pagination: { limit: 50, has_more: false, next_cursor: null, offset: null },
};

export const badCursor = { refusal: invalidAt("cursor", "not a cursor of this list").refusal };
const cursorAndOffset = { refusal: invalidAt("offset", "cursor and offset exclude each other").refusal };

const listView = (page: Page<WorkloadView>, query: ListQuery): z.input<typeof workloadListSchema> => ({
  workloads: [...page.items],
  pagination: {
    limit: query.limit,
    has_more: page.hasMore,
    next_cursor: page.nextCursor,
    offset: query.offset ?? null,
    ...(page.total === undefined ? {} : { total: page.total }),
  },
});
