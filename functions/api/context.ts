/** What the API is built from, and what each of its requests carries. */
import type { Context, MiddlewareHandler } from "hono";
import type { CustomerId, IdSource, WorkerId } from "../../schema/ids.ts";
import type { Scope } from "../../schema/scopes.ts";
import type { TierLimits } from "../../schema/tiers.ts";
import type { CoordinatorGateway, PoolGateway } from "../coordinator/gateway.ts";
import type { Directory } from "../store/directory.ts";
import type { ReadStore } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Checked } from "./errors.ts";
import type { JwtTrust } from "./identity/jwt.ts";
import type { EndWaiting } from "./live/doors.ts";
import type { OpenSocket } from "./live/socket.ts";

export interface ApiDependencies {
  readonly store: ReadStore & Directory;
  readonly coordinators: CoordinatorGateway;
  readonly pools: PoolGateway;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly requestIds: () => string;
  readonly ids: IdSource;
  /** A new secret for an API key of this customer. */
  readonly newKey: (owner: CustomerId) => Promise<string>;
  readonly log: Log;
  readonly version: string;
  /** What the interactive docs are made of. */
  readonly docsFile: (name: "swagger-ui.css" | "swagger-ui-bundle.js") => Promise<string>;
  /** SHA-256 of the admin key, in hex. */
  readonly adminKeyHash: string;
  /** Null: no JWT opens anything. */
  readonly jwt: JwtTrust | null;
  /** SHA-256 in hex of the tokens that open each pool. */
  readonly poolTokenHashes: ReadonlyMap<string, readonly string[]>;
  readonly agentCredentials: AgentCredentials;
  /** Who may read /metrics: everybody, or who shows the token; null: nobody. */
  readonly metrics: { readonly isPublic: boolean; readonly token: string | null };
  /** A socket for who asked for one, `headers` in the reply. */
  readonly openSocket: (headers: Readonly<Record<string, string>>) => OpenSocket;
  /** For what no reply waits for; the work owns its failure. */
  readonly background: (work: Promise<void>) => void;
}

/** What an agent needs to reach the broker as the worker that it is. */
export interface AgentCredentials {
  readonly natsUrl: string;
  readonly lifetimeSeconds: number;
  isUserKey(publicKey: string): boolean;
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

/** A principal that may read what is its customer's. */
export interface Admitted {
  readonly principal: Principal;
  readonly customer: Caller;
}

/** How a route for watchers learns who watches. */
export interface WatcherDoor {
  /** Who came with a token; null: it is to come in the first message. */
  readonly admitted: Admitted | null;
  /** For that token, with the refusals that the header would get. Throws StoreUnavailable. */
  readonly admit: (token: string) => Promise<Checked<Admitted>>;
  /** To be asked before a line is opened for a first message. */
  readonly open: () => Checked<EndWaiting>;
}

export interface ApiEnv {
  /** `agentPool`: the pool whose token an agent has shown; `countedElsewhere`: to be called once another bucket counts. */
  Variables: {
    requestId: string;
    principal: Principal;
    customer: Caller;
    agentPool: string;
    countedElsewhere: () => void;
    watcherDoor: WatcherDoor;
  };
}
export type ApiContext = Context<ApiEnv>;
export type ApiHandler = MiddlewareHandler<ApiEnv>;
