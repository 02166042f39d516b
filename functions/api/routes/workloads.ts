/** Workloads: one, the list, cancelling. */
import type { z } from "zod";
import {
  cancelBodySchema,
  type ListQuery,
  listQuerySchema,
  type WorkloadView,
  type workloadListSchema,
} from "../../../schema/http/workload.ts";
import { type WorkloadId, workloadIdSchema } from "../../../schema/ids.ts";
import type { Page } from "../../store/store.ts";
import type { ApiContext, ApiDependencies, ApiHandler } from "../context.ts";
import { type Checked, refuse } from "../errors.ts";
import { readOptionalJson } from "../json-body.ts";
import { readQuery } from "../query.ts";
import { showRate } from "../rate-headers.ts";
import { invalidAt } from "../validation.ts";

/** An id that is none names no workload: the same answer as for one that does not exist. */
export function readWorkloadId(c: ApiContext): Checked<WorkloadId> {
  const id = workloadIdSchema.safeParse(c.req.param("id"));
  return id.success ? { ok: true, value: id.data } : { ok: false, refusal: { kind: "unknown_workload" } };
}

export const getWorkload =
  ({ store }: Pick<ApiDependencies, "store">): ApiHandler =>
  async (c) => {
    const id = readWorkloadId(c);
    if (!id.ok) return refuse(c, id.refusal);
    const workload = await store.workload(c.var.customer.customerId, id.value);
    return workload === null ? refuse(c, { kind: "unknown_workload" }) : c.json(workload);
  };

const listShape = {
  schema: listQuerySchema,
  repeatable: ["label"],
  times: ["created_after", "created_before"],
} as const;

export const listWorkloads =
  ({ store }: Pick<ApiDependencies, "store">): ApiHandler =>
  async (c) => {
    const query = readListQuery(c.req.url);
    if (!query.ok) return refuse(c, query.refusal);
    const page = await store.list(c.var.customer.customerId, query.value);
    if (page === "bad_cursor") return refuse(c, badCursor.refusal);
    return c.json(listView(page, query.value));
  };

export const badCursor = invalidAt("cursor", "not a cursor of this list");

function readListQuery(url: string): Checked<ListQuery> {
  const query = readQuery(url, listShape);
  if (!query.ok || query.value.cursor === undefined || query.value.offset === undefined) return query;
  return invalidAt("offset", "cursor and offset exclude each other");
}

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

export const cancelWorkload =
  ({ store, coordinators }: Pick<ApiDependencies, "store" | "coordinators">): ApiHandler =>
  async (c) => {
    const id = readWorkloadId(c);
    if (!id.ok) return refuse(c, id.refusal);
    const body = await readOptionalJson(c.req.raw, cancelBodySchema);
    if (!body.ok) return refuse(c, body.refusal);
    const { customerId, keyId } = c.var.customer;
    const answer = await coordinators.cancel(customerId, {
      workloadId: id.value,
      reason: body.value.value.reason ?? null,
      actor: { type: "user", id: keyId },
    });
    if (answer.rate !== null) showRate(c, answer.rate);
    if (!answer.ok) return refuse(c, answer.refusal);
    const workload = await store.workload(customerId, id.value);
    return workload === null ? refuse(c, { kind: "unknown_workload" }) : c.json(workload);
  };
