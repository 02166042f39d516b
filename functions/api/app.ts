/** The HTTP API: mounts every route, and says what becomes of everything else. */
import { Hono } from "hono";
import { StoreUnavailable } from "../store/store.ts";
import type { ApiContext, ApiDependencies, ApiEnv, ApiHandler } from "./context.ts";
import { refuse } from "./errors.ts";
import { address } from "./middleware/address.ts";
import { requestId } from "./middleware/request-id.ts";
import { securityHeaders } from "./middleware/security-headers.ts";
import { createMount } from "./mount.ts";
import { routesOf } from "./routes.ts";

const storeRetrySeconds = 1;

/** As the router writes what OpenAPI writes in braces. */
const pattern = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ":$1");

export function createApp(deps: ApiDependencies): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  app.use(requestId(deps.requestIds), securityHeaders, address);
  app.notFound((c) => refuse(c, { kind: "unknown_path" }));
  app.onError((error, c) => refuseError(deps, c, error));
  const mount = createMount(deps);
  for (const [path, routes] of Map.groupBy(routesOf(deps), (one) => one.path)) {
    for (const one of routes) app.on(one.method, [pattern(path)], ...mount(one));
    app.all(pattern(path), refuseMethod(routes.map(({ method }) => method)));
  }
  return app;
}

function refuseMethod(methods: readonly string[]): ApiHandler {
  const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  return async (c) => refuse(c, { kind: "method_not_allowed", allow: allow.toSorted() });
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
