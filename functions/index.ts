/** What the runtime looks for: requests, the cron trigger, the Durable Object classes. */
import { controlPlane } from "./compose.ts";
import type { Bindings } from "./env.ts";

export { CustomerCoordinator } from "./coordinator/customer-coordinator.ts";
export { PoolScheduler } from "./scheduler/pool-scheduler.ts";

export default {
  fetch: (request, env) => controlPlane(env).fetch(request),
  scheduled: (_controller, env) => controlPlane(env).scheduled(),
} satisfies ExportedHandler<Bindings>;
