/** Makes handlers of a route: who asks, how often, with which scope, and only then what is asked. */
import type { ApiDependencies, ApiHandler } from "./context.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { authorize } from "./middleware/authorize.ts";
import { createReadBuckets, limitReads, showReads } from "./middleware/rate-limit.ts";
import type { Access, Route } from "./route.ts";
import { requireAgent } from "./routes/agents.ts";
import { requireMetricsToken } from "./routes/operations.ts";

export type Mount = (route: Route) => readonly ApiHandler[];

/** One set of buckets and one cache of keys for all routes of an app. */
export function createMount(deps: ApiDependencies): Mount {
  const identify = authenticate(deps);
  const buckets = createReadBuckets(deps.clock);
  const guards = (access: Access, submits: boolean): readonly ApiHandler[] => {
    if (access === "public" || access === "watcher") return [];
    if (access === "metrics") return [requireMetricsToken(deps)];
    if (access === "pool") return [requireAgent(deps)];
    return [identify, submits ? showReads(buckets) : limitReads(buckets), authorize(access)];
  };
  return ({ access, submits, serve }) => [...guards(access, submits === true), serve];
}
