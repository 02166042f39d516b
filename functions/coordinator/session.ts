/** One leadership of one customer: the epoch, and all that is kept in mind under it. */
import type { CustomerId, IdSource, WorkloadId } from "../../schema/ids.ts";
import { queueWindowMax } from "../../schema/limits.ts";
import { submitRate } from "../domain/admission.ts";
import type { Customer } from "../domain/customer.ts";
import type { Placement, PlaceRequest, Update } from "../domain/demand.ts";
import { done, type Refusal, type Result, refuse } from "../domain/refusal.ts";
import type { Sample } from "../domain/sample.ts";
import { fullBucket, type TokenBucket } from "../domain/token-bucket.ts";
import { type CustomerStore, type Lead, StoreUnavailable, type Written } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import { Book } from "./book.ts";

/** A pool as a coordinator talks to it. */
export interface PoolLink {
  place(request: PlaceRequest): Promise<readonly Placement[]>;
  update(update: Update): Promise<void>;
}

export interface CoordinatorDeps {
  readonly customerId: CustomerId;
  readonly store: CustomerStore;
  readonly poolNames: readonly string[];
  readonly pool: (name: string) => PoolLink;
  readonly ids: IdSource;
  readonly now: () => number;
  readonly random: () => number;
  readonly log: Log;
  /** Wakes this coordinator at that time at the latest, also after its memory is gone. */
  readonly wakeBy: (at: number) => void;
  /** Lets work go on after the reply; its failure is logged. */
  readonly background: (work: Promise<unknown>) => void;
}

export interface Session {
  readonly lead: Lead;
  readonly customer: Customer;
  readonly book: Book;
  /** Measurements that wait for the next update to a pool. */
  samples: Sample[];
  /** When workloads that wait for another worker lost theirs; for measuring only. */
  readonly lostAt: Map<WorkloadId, number>;
  bucket: TokenBucket;
  version: number;
}

const noRate = { ratePerSecond: 0, burst: 0 };

/** The session cannot go on: someone else leads, or what is in mind may no longer be what is in Postgres. */
export class SessionOver extends Error {
  override readonly name = "SessionOver";
}

export const unavailable = (what: "database" | "leader"): Refusal => ({
  kind: "unavailable",
  what,
  retryAfterSeconds: 1,
});

/** The value, or the end of the session when another coordinator has taken over. */
export function written<T>(outcome: Written<T>): T {
  if (outcome.kind === "not_leader") throw new SessionOver("another coordinator leads this customer");
  return outcome.value;
}

/** Holds the session, makes it when there is none, and drops it when it can no longer be trusted. */
export class Leadership {
  readonly #deps: CoordinatorDeps;
  #session: Promise<Session | null> | null = null;
  readonly #onLead: (session: Session) => void;

  /** `onLead` is told of every new session. */
  constructor(deps: CoordinatorDeps, onLead: (session: Session) => void) {
    this.#deps = deps;
    this.#onLead = onLead;
  }

  /** Null: there is no such customer. */
  session(): Promise<Session | null> {
    this.#session ??= this.#begin();
    return this.#session;
  }

  /**
   * Runs `work` in the session. When Postgres did not say whether it committed, the session ends: the next one takes a
   * new epoch, which waits for a statement still in flight, and reads what is true.
   */
  async within<T>(work: (session: Session) => Promise<T>): Promise<Result<T>> {
    try {
      const session = await this.session();
      return session === null ? refuse({ kind: "unknown_customer" }) : done(await work(session));
    } catch (error) {
      this.#session = null;
      if (!(error instanceof StoreUnavailable) && !(error instanceof SessionOver)) throw error;
      this.#deps.log.warn({ err: error, customer_id: this.#deps.customerId }, "session over");
      return refuse(unavailable(error instanceof SessionOver ? "leader" : "database"));
    }
  }

  async #begin(): Promise<Session | null> {
    const { store, customerId, now } = this.#deps;
    const state = await store.lead(customerId, queueWindowMax, now());
    if (state === null) return null;
    const session: Session = {
      lead: state.lead,
      customer: state.customer,
      book: new Book(state),
      samples: [],
      lostAt: new Map(),
      bucket: fullBucket(submitRate(state.customer.limits) ?? noRate, now()),
      version: 0,
    };
    this.#onLead(session);
    return session;
  }
}
