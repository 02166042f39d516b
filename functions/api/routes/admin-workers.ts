/** For the operator: the live fleet, and the two orders that a worker can be given. */
import { exampleIds, exampleTimes } from "../../../schema/http/examples.ts";
import { type WorkerView, workerListSchema, workerQuerySchema, workerViewSchema } from "../../../schema/http/worker.ts";
import { workerIdSchema } from "../../../schema/ids.ts";
import { StoreUnavailable, type WorkerRecord } from "../../store/store.ts";
import type { ApiDependencies } from "../context.ts";
import type { ApiRefusal } from "../errors.ts";
import { findWorker, listWorkers } from "../fleet.ts";
import { param, type Route, reply, route } from "../route.ts";

type Deps = Pick<ApiDependencies, "store" | "pools" | "log">;

const workerParam = param(workerIdSchema, {
  unknown: { kind: "unknown_worker" },
  description: "The id of a worker",
  example: exampleIds.worker,
});

const exampleWorker = {
  worker_id: exampleIds.worker,
  pool: "default",
  status: "HEALTHY",
  capabilities: ["noop", "sleep", "text.wordcount"],
  slots: 10,
  slots_used: 1,
  tags: { region: "north" },
  version: "1.0.0",
  registered_at: exampleTimes.created,
  last_seen_at: exampleTimes.later,
  running: [
    {
      workload_id: exampleIds.workload,
      customer_id: exampleIds.customer,
      workload_type: "text.wordcount",
      generation: 1,
      state: "held",
    },
  ],
};

export const getWorkers = (deps: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/admin/workers",
    operationId: "listWorkers",
    tag: "Admin",
    summary: "Workers of all pools, newest id first: those that are there with what they run, and those that were",
    access: "admin",
    query: { schema: workerQuerySchema, repeatable: [], times: [] },
    replies: {
      200: {
        description: "A page of workers",
        schema: workerListSchema,
        example: { workers: [exampleWorker], pagination: { limit: 50, has_more: false, next_cursor: null } },
      },
    },
    refusals: ["unavailable"],
    handle: ({ query }) =>
      whenPoolsAnswer(deps, async () => {
        const found = await listWorkers(deps, query);
        const workers = found.slice(0, query.limit);
        const hasMore = found.length > query.limit;
        const next = hasMore ? (workers.at(-1)?.worker_id ?? null) : null;
        return reply(200, { workers, pagination: { limit: query.limit, has_more: hasMore, next_cursor: next } });
      }),
  });

export const getWorker = (deps: Deps): Route =>
  route({
    method: "GET",
    path: "/v1/admin/workers/{id}",
    operationId: "getWorker",
    tag: "Admin",
    summary: "One worker, with the workloads that it holds",
    access: "admin",
    params: { id: workerParam },
    replies: { 200: { description: "The worker", schema: workerViewSchema, example: exampleWorker } },
    refusals: ["unavailable"],
    handle: ({ params: { id } }) =>
      whenPoolsAnswer(deps, async () => {
        const worker = await findWorker(deps, id);
        return worker === null ? unknown : reply(200, worker);
      }),
  });

export const drainWorker = (deps: Deps): Route =>
  route({
    method: "POST",
    path: "/v1/admin/workers/{id}/drain",
    operationId: "drainWorker",
    tag: "Admin",
    summary: "Has a worker hand back what it runs and leave; it gets nothing new from this moment on",
    description: "It needs no Idempotency-Key: a worker that drains already is told again, and nothing else happens.",
    access: "admin",
    params: { id: workerParam },
    replies: {
      200: {
        description: "The worker, which drains or has gone",
        schema: workerViewSchema,
        example: { ...exampleWorker, status: "DRAINING" },
      },
    },
    refusals: ["unavailable", "wrong_state"],
    handle: ({ params: { id } }) =>
      whenPoolsAnswer(deps, async () => {
        const worker = await findWorker(deps, id);
        if (worker === null) return unknown;
        const wasTold = worker.status !== "REMOVED" && (await deps.pools.drain(worker.pool, id));
        const after = (await findWorker(deps, id)) ?? worker;
        if (after.status !== "DEAD") return reply(200, after);
        // Who holds nothing leaves before its row says so.
        if (wasTold) return reply(200, { ...worker, status: "DRAINING" as const });
        return { refusal: { kind: "wrong_state", status: after.status, action: "drain" } };
      }),
  });

export const removeWorker = (deps: Deps): Route =>
  route({
    method: "DELETE",
    path: "/v1/admin/workers/{id}",
    operationId: "removeWorker",
    tag: "Admin",
    summary: "Removes a worker for good: what it runs goes elsewhere at once, and it may not register again",
    access: "admin",
    params: { id: workerParam },
    replies: { 204: { description: "The worker is removed", schema: null } },
    refusals: ["unavailable"],
    handle: ({ params: { id } }) =>
      whenPoolsAnswer(deps, async () => {
        const worker = await findWorker(deps, id);
        if (worker === null) return unknown;
        await deps.pools.remove(worker.pool, recordOf(worker));
        return reply(204, null);
      }),
  });

const unknown: { readonly refusal: ApiRefusal } = { refusal: { kind: "unknown_worker" } };

const recordOf = ({
  worker_id: workerId,
  pool,
  status,
  capabilities,
  slots,
  tags,
  version,
}: WorkerView): WorkerRecord => ({
  ...{ workerId, pool, status, capabilities, slots, tags, version },
});

/** A pool whose scheduler cannot be reached is a dependency that is away. */
async function whenPoolsAnswer<T>({ log }: Deps, ask: () => Promise<T>): Promise<T | { refusal: ApiRefusal }> {
  try {
    return await ask();
  } catch (err) {
    if (err instanceof StoreUnavailable) throw err;
    log.warn({ component: "api", err }, "the fleet could not be asked");
    return { refusal: { kind: "unavailable", what: "leader", retryAfterSeconds: 1 } };
  }
}
