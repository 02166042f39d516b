/** One leadership of one customer: the epoch, and all that is kept in mind under it. */
import type { Pool } from "../../schema/affinity.ts";
import type { CustomerId, IdSource, WorkloadId } from "../../schema/ids.ts";
import { queueWindowMax } from "../../schema/limits.ts";
import { bucketAfter } from "../domain/admission.ts";
import type { Customer } from "../domain/customer.ts";
import type { Placement, PlaceRequest, Update } from "../domain/demand.ts";
import type { Outlook, OutlookRequest } from "../domain/explain.ts";
import { done, type Refusal, type Result, refuse } from "../domain/refusal.ts";
import type { TokenBucket } from "../domain/token-bucket.ts";
import type { CustomerDirectory } from "../store/directory.ts";
import type { LiveStore } from "../store/live-store.ts";
import { type CustomerStore, type Lead, StoreUnavailable, type Written } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";
import { Book } from "./book.ts";
import { Samples } from "./samples.ts";
import { Settling } from "./settling.ts";
import { SlotsFreed } from "./slots-freed.ts";

/** A pool as a coordinator talks to it. */
export interface PoolLink {
  place(request: PlaceRequest): Promise<readonly Placement[]>;
  update(update: Update): Promise<void>;
  /** Null: its pool cannot tell now. */
  explain(request: OutlookRequest): Promise<Outlook | null>;
}

export interface CoordinatorDeps {
  readonly customerId: CustomerId;
  readonly store: CustomerStore & LiveStore & CustomerDirectory;
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
  /** Nobody else writes it, so it is never older than what is in Postgres. */
  customer: Customer;
  readonly book: Book;
  /** When it took its epoch. */
  readonly beganAt: number;
  readonly samples: Samples;
  /** The `runningMax` that each pool has heard last. */
  readonly toldMax: Map<Pool, number>;
  /** Pools that did not hear what an earlier session told them: they are to hear of this one, with work or without. */
  readonly untold: Set<Pool>;
  /** When workloads that wait for another worker lost theirs; for measuring only. */
  readonly lostAt: Map<WorkloadId, number>;
  readonly slotsFreed: SlotsFreed;
  readonly settling: Settling;
  bucket: TokenBucket;
  /** Workloads on their way into the queue by other ways than a submission, while their step is being written. */
  entering: number;
  version: number;
}

/** After the end of a session, what was in doubt is read again so soon, without anybody asking. */
export const sessionRetryMs = 1_000;

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
  /** Null: none, or it is just being taken. */
  #epoch: number | null = null;
  readonly #untold = new Set<Pool>();
  readonly #settling = new Settling();
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
   * Runs `work`, which may write, in the session. When Postgres did not say whether it committed, the session ends: the next one takes a
   * new epoch, which waits for a statement still in flight, and reads what is true.
   */
  async within<T>(work: (session: Session) => Promise<T>): Promise<Result<T>> {
    const current = this.session();
    try {
      const session = await current;
      return session === null ? refuse({ kind: "unknown_customer" }) : done(await work(session));
    } catch (error) {
      if (this.#session === current) this.#session = null;
      this.#wakeSoon();
      if (!(error instanceof StoreUnavailable) && !(error instanceof SessionOver)) throw error;
      this.#deps.log.warn({ err: error, customer_id: this.#deps.customerId }, "session over");
      return refuse(unavailable(error instanceof SessionOver ? "leader" : "database"));
    }
  }

  /** For what only reads, beside the lane: that a read fails says nothing of what is written, so the session goes on. */
  async beside<T>(read: (session: Session) => Promise<T>): Promise<Result<T>> {
    const current = await this.within((session) => Promise.resolve(session));
    if (!current.ok) return current;
    try {
      return done(await read(current.value));
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      this.#deps.log.warn({ err: error, customer_id: this.#deps.customerId }, "a read failed");
      return refuse(unavailable("database"));
    }
  }

  /**
   * Ends the session of this epoch: its pool did not hear of a commit, so it may hold what was stopped, or wait for what
   * was sent. A new epoch makes it ask what stands. To be called between two works, so that none loses its session.
   */
  endUntold(pool: Pool, epoch: number): void {
    this.#untold.add(pool);
    if (epoch === this.#epoch) this.#session = null;
    this.#wakeSoon();
  }

  #wakeSoon(): void {
    this.#deps.wakeBy(this.#deps.now() + sessionRetryMs);
  }

  async #begin(): Promise<Session | null> {
    const { store, customerId, now } = this.#deps;
    this.#epoch = null;
    const state = await store.lead(customerId, queueWindowMax, now());
    if (state === null) return null;
    this.#epoch = state.lead.epoch;
    const session: Session = {
      lead: state.lead,
      customer: state.customer,
      book: new Book(state),
      beganAt: now(),
      samples: new Samples(),
      toldMax: new Map(),
      untold: this.#untold,
      lostAt: new Map(),
      slotsFreed: new SlotsFreed(now()),
      settling: this.#settling,
      bucket: bucketAfter(state.customer.limits, state.accepted, now()),
      entering: 0,
      version: 0,
    };
    this.#onLead(session);
    return session;
  }
}
