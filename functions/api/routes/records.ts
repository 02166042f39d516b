/** What was recorded about a workload: its audit trail and its log lines. */
import { logQuerySchema } from "../../../schema/http/workload.ts";
import type { ApiDependencies, ApiHandler } from "../context.ts";
import { refuse } from "../errors.ts";
import { readQuery } from "../query.ts";
import { badCursor, readWorkloadId } from "./workloads.ts";

export const getAudit =
  ({ store }: Pick<ApiDependencies, "store">): ApiHandler =>
  async (c) => {
    const id = readWorkloadId(c);
    if (!id.ok) return refuse(c, id.refusal);
    const events = await store.audit(c.var.customer.customerId, id.value);
    return events === null ? refuse(c, { kind: "unknown_workload" }) : c.json({ workload_id: id.value, events });
  };

const logShape = { schema: logQuerySchema, repeatable: [], times: ["since", "until"] } as const;

export const getLogs =
  ({ store }: Pick<ApiDependencies, "store">): ApiHandler =>
  async (c) => {
    const id = readWorkloadId(c);
    if (!id.ok) return refuse(c, id.refusal);
    const query = readQuery(c.req.url, logShape);
    if (!query.ok) return refuse(c, query.refusal);
    const page = await store.logs(c.var.customer.customerId, id.value, query.value);
    if (page === null) return refuse(c, { kind: "unknown_workload" });
    if (page === "bad_cursor") return refuse(c, badCursor.refusal);
    const { items, hasMore, nextCursor } = page;
    return c.json({ workload_id: id.value, logs: items, has_more: hasMore, next_cursor: nextCursor });
  };
