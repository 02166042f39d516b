/** Makes handlers of a route: who asks, how often, with which scope, and only then what is asked. */
import type { ApiDependencies, ApiHandler } from "./context.ts";
import { createFailures } from "./identity/failures.ts";
import { createIdentity } from "./identity/identity.ts";
import { createMetricsGate } from "./identity/metrics-token.ts";
import { createPoolGate } from "./identity/pool-token.ts";
import { createDoors } from "./live/doors.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { authorize } from "./middleware/authorize.ts";
import {
  createReadBuckets,
  limitAgents,
  limitReads,
  limitSubmissions,
  showUnlimited,
} from "./middleware/rate-limit.ts";
import { admitWatcher } from "./middleware/watcher.ts";
import type { Access, Route } from "./route.ts";

export type Mount = (route: Route) => readonly ApiHandler[];

/** One set of buckets, one memory of credentials and one count of wrong ones for all routes of an app. */
export function createMount(deps: ApiDependencies): Mount {
  const failures = createFailures(deps.clock);
  const identify = createIdentity(deps, failures);
  const buckets = createReadBuckets(deps.clock);
  const [reads, submissions] = [limitReads(buckets), limitSubmissions(createReadBuckets(deps.clock))];
  const principal = authenticate(identify, (c, who) => c.set("principal", who));
  const agent = authenticate(createPoolGate(deps, failures), (c, pool) => c.set("agentPool", pool));
  const agents = limitAgents(deps.clock);
  const watcher = admitWatcher(identify, buckets, createDoors(failures));
  const metricsGate = createMetricsGate(deps, failures);
  // Without a gate they are open on purpose.
  const metrics = metricsGate === null ? [] : [authenticate(metricsGate, () => undefined), showUnlimited];
  const guards = (access: Access, submits: boolean): readonly ApiHandler[] => {
    if (access === "public") return [];
    if (access === "watcher") return [watcher];
    if (access === "metrics") return metrics;
    if (access === "pool") return [agent, agents];
    return [principal, submits ? submissions : reads, authorize(access)];
  };
  return ({ access, submits, serve }) => [...guards(access, submits === true), serve];
}
