/** What the API is built from, and what each of its requests carries. */
import type { Context, MiddlewareHandler } from "hono";
import type { CustomerId, WorkerId } from "../../schema/ids.ts";
import type { Scope } from "../../schema/scopes.ts";
import type { TierLimits } from "../../schema/tiers.ts";
import type { CoordinatorGateway, PoolGateway } from "../coordinator/gateway.ts";
import type { ReadStore } from "../store/store.ts";
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
  /** SHA-256 in hex of the tokens that open each pool. */
  readonly poolTokenHashes: ReadonlyMap<string, readonly string[]>;
  readonly agentCredentials: AgentCredentials;
  /** Null: /metrics is open. */
  readonly metricsToken: string | null;
}

/** What an agent needs to reach the broker as the worker that it is. */
export interface AgentCredentials {
  readonly natsUrl: string;
  readonly lifetimeSeconds: number;
  /** `expiresAt` in milliseconds since the epoch. */
  issue(pool: string, worker: WorkerId, publicKey: string): { readonly jwt: string; readonly expiresAt: number };
}

/** Whose data a request is about. */
export interface Caller {
  readonly customerId: CustomerId;
  readonly suspended: boolean;
  /** The customer's own: tier defaults with its overrides. */
  readonly limits: TierLimits;
}

/** Who asks: a key, or the subject of a token. The operator belongs to no customer. */
export interface Principal {
  /** As audit events name it. */
  readonly id: string;
  readonly scopes: readonly Scope[];
  /** Milliseconds; null: never. */
  readonly expiresAt: number | null;
  readonly customer: Caller | null;
}

export interface ApiEnv {
  Variables: { requestId: string; principal: Principal; customer: Caller };
}
export type ApiContext = Context<ApiEnv>;
export type ApiHandler = MiddlewareHandler<ApiEnv>;
