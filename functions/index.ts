/** What the runtime looks for: requests, the cron trigger, the Durable Object classes. */
import { composeCoordinator, composePool, controlPlane } from "./compose.ts";
import { customerCoordinator } from "./coordinator/customer-coordinator.ts";
import type { Bindings } from "./env.ts";
import { poolScheduler } from "./scheduler/pool-scheduler.ts";

export const CustomerCoordinator = customerCoordinator(composeCoordinator);
export const PoolScheduler = poolScheduler(composePool);

export default {
  fetch: (request, env) => controlPlane(env).fetch(request),
  scheduled: ({ cron }, env) => controlPlane(env).scheduled(cron),
} satisfies ExportedHandler<Bindings>;
