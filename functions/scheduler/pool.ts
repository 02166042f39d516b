/** What the duties of a pool's scheduler share: its memory, and the world around it. */
import type { Pool as PoolName } from "../../schema/affinity.ts";
import type { CustomerId } from "../../schema/ids.ts";
import type { Chunk, ChunkRequest } from "../../schema/messages/to-coordinator.ts";
import type { ConnectBroker } from "../broker/broker.ts";
import type { Exchange, Exchanged, Standing } from "../domain/demand.ts";
import type { LeaseTerms } from "../domain/lease.ts";
import type { Result } from "../domain/refusal.ts";
import type { ChunkOutcome, PoolStore } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { ActiveCustomers } from "./active-customers.ts";
import type { BrokerLink } from "./broker-link.ts";
import type { Ledger } from "./ledger.ts";
import type { Roll } from "./roll.ts";
import type { Strangers } from "./strangers.ts";
import type { Tenants } from "./tenants.ts";
import type { WorkerOrders } from "./worker-orders.ts";
import type { WorkerRows } from "./worker-rows.ts";

/** A customer's coordinator as a pool talks to it. */
export interface CoordinatorLink {
  exchange(incoming: Exchange): Promise<Result<Exchanged>>;
  standing(pool: PoolName): Promise<Result<Standing>>;
  putChunk(chunk: Chunk): Promise<Result<ChunkOutcome>>;
  getChunk(request: ChunkRequest): Promise<Result<Uint8Array | "fenced" | "unknown">>;
  tick(): Promise<void>;
}

export interface PoolDeps {
  readonly name: PoolName;
  readonly store: PoolStore;
  readonly coordinator: (customerId: CustomerId) => CoordinatorLink;
  readonly connect: ConnectBroker;
  readonly terms: LeaseTerms & { readonly assignmentTimeoutMs: number };
  readonly now: () => number;
  readonly log: Log;
  readonly wakeBy: (at: number) => void;
  readonly background: (work: Promise<unknown>) => void;
}

export interface Pool {
  readonly deps: PoolDeps;
  readonly ledger: Ledger;
  readonly tenants: Tenants;
  readonly strangers: Strangers;
  readonly active: ActiveCustomers;
  readonly link: BrokerLink;
  readonly rows: WorkerRows;
  readonly orders: WorkerOrders;
  readonly roll: Roll;
  readonly metrics: Metrics;
  /** Places what can be placed and tells every coordinator what is new for it. */
  readonly advance: () => void;
}
