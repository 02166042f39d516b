/** What the API is built from, and what each of its requests carries. */
import type { Context, MiddlewareHandler } from "hono";
import type { CoordinatorGateway, PoolGateway } from "../coordinator/gateway.ts";
import type { KeyRecord, ReadStore } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";

export interface ApiDependencies {
  readonly store: ReadStore;
  readonly coordinators: CoordinatorGateway;
  readonly pools: PoolGateway;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly requestIds: () => string;
  readonly log: Log;
  readonly version: string;
  /** SHA-256 of the admin key, in hex. */
  readonly adminKeyHash: string;
  readonly agentToken: string;
  /** Null: /metrics is open. */
  readonly metricsToken: string | null;
}

/** Who asks. The admin belongs to no customer. */
export type Principal = { readonly kind: "customer"; readonly key: KeyRecord } | { readonly kind: "admin" };

export interface ApiEnv {
  Variables: { requestId: string; principal: Principal; customer: KeyRecord };
}
export type ApiContext = Context<ApiEnv>;
export type ApiHandler = MiddlewareHandler<ApiEnv>;
