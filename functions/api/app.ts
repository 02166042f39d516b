/** The HTTP API: which handlers serve which path and method, and what becomes of everything else. */
import { Hono } from "hono";
import { StoreUnavailable } from "../store/store.ts";
import type { ApiContext, ApiDependencies, ApiEnv, ApiHandler } from "./context.ts";
import { refuse } from "./errors.ts";
import { address } from "./middleware/address.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { authorize } from "./middleware/authorize.ts";
import { createReadBuckets, limitReads, showReads } from "./middleware/rate-limit.ts";
import { requestId } from "./middleware/request-id.ts";
import { securityHeaders } from "./middleware/security-headers.ts";
import { requireAgent, wakePool } from "./routes/agents.ts";
import { getHealth, getIndex, getMetrics, getReady } from "./routes/operations.ts";
import { getAudit, getLogs } from "./routes/records.ts";
import { submitBatch, submitWorkload } from "./routes/submit.ts";
import { cancelWorkload, getWorkload, listWorkloads } from "./routes/workloads.ts";

type Methods = Partial<Record<"GET" | "POST", readonly ApiHandler[]>>;

const storeRetrySeconds = 1;

/** A fixed path stands before the pattern that would match it too. */
function routesOf(deps: ApiDependencies): Record<string, Methods> {
  const identify = authenticate(deps);
  const buckets = createReadBuckets(deps.clock);
  const read = [identify, limitReads(buckets), authorize("workloads:read")];
  const write = [identify, showReads(buckets), authorize("workloads:write")];
  return {
    "/": { GET: [getIndex(deps)] },
    "/health": { GET: [getHealth(deps)] },
    "/ready": { GET: [getReady(deps)] },
    "/metrics": { GET: [getMetrics(deps)] },
    "/v1/agents/wake": { POST: [requireAgent(deps), wakePool(deps)] },
    "/v1/workloads": { GET: [...read, listWorkloads(deps)], POST: [...write, submitWorkload(deps)] },
    "/v1/workloads/batch": { POST: [...write, submitBatch(deps)] },
    "/v1/workloads/:id": { GET: [...read, getWorkload(deps)] },
    "/v1/workloads/:id/audit": { GET: [...read, getAudit(deps)] },
    "/v1/workloads/:id/logs": { GET: [...read, getLogs(deps)] },
    "/v1/workloads/:id/cancel": { POST: [...write, cancelWorkload(deps)] },
  };
}

export function createApp(deps: ApiDependencies): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.use(requestId(deps.requestIds), securityHeaders, address);
  app.notFound((c) => refuse(c, { kind: "unknown_path" }));
  app.onError((error, c) => refuseError(deps, c, error));
  for (const [path, methods] of Object.entries(routesOf(deps))) {
    for (const [method, handlers] of Object.entries(methods)) app.on(method, [path], ...handlers);
    app.all(path, refuseMethod(methods));
  }
  return app;
}

function refuseMethod(methods: Methods): ApiHandler {
  const allow = Object.keys(methods).flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  return async (c) => refuse(c, { kind: "method_not_allowed", allow });
}

/** What was not foreseen: the log gets the cause, the caller only the id to find it by. */
function refuseError(deps: ApiDependencies, c: ApiContext, err: Error): Response {
  const fields = { component: "api", request_id: c.var.requestId, method: c.req.method, path: c.req.path, err };
  if (err instanceof StoreUnavailable) {
    deps.log.warn(fields, "the database does not answer");
    return refuse(c, { kind: "unavailable", what: "database", retryAfterSeconds: storeRetrySeconds });
  }
  deps.log.error(fields, "a request failed");
  return refuse(c, { kind: "internal" });
}
