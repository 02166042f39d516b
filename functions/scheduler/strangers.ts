/** Customers that workers speak of and this pool does not know: one query at a time says which of them exist. */
import type { CustomerId } from "../../schema/ids.ts";
import { strangersAskedMax, strangersMax } from "../../schema/limits.ts";
import type { PoolStore } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";

export interface StrangersDeps {
  readonly store: Pick<PoolStore, "known">;
  readonly log: Log;
  readonly background: (work: Promise<unknown>) => void;
}

/** A worker may invent names without end: whatever is kept of them here is bounded. */
export class Strangers {
  readonly #deps: StrangersDeps;
  /** Asked, or waiting to be; in the order in which they were named. */
  readonly #open = new Map<CustomerId, PromiseWithResolvers<boolean | null>>();
  readonly #unknown = new Set<CustomerId>();
  #isAsking = false;

  constructor(deps: StrangersDeps) {
    this.#deps = deps;
  }

  /** Known not to exist. */
  isUnknown(customerId: CustomerId): boolean {
    return this.#unknown.has(customerId);
  }

  /** Null: that cannot be said now. */
  async exists(customerId: CustomerId): Promise<boolean | null> {
    if (this.#unknown.has(customerId)) return false;
    const open = this.#open.get(customerId) ?? this.#begin(customerId);
    return open === null ? null : open.promise;
  }

  #begin(customerId: CustomerId): PromiseWithResolvers<boolean | null> | null {
    if (this.#open.size >= strangersMax) return null;
    const question = Promise.withResolvers<boolean | null>();
    this.#open.set(customerId, question);
    if (!this.#isAsking) this.#deps.background(this.#ask());
    return question;
  }

  /** Begins behind whatever is being named now, so that one query asks for all of it. */
  async #ask(): Promise<void> {
    this.#isAsking = true;
    await Promise.resolve();
    while (this.#open.size > 0) {
      const asked = [...this.#open.keys()].slice(0, strangersAskedMax);
      const known = await this.#knownOf(asked);
      for (const customerId of asked) this.#settle(customerId, known === null ? null : known.has(customerId));
    }
    this.#isAsking = false;
  }

  async #knownOf(asked: readonly CustomerId[]): Promise<ReadonlySet<CustomerId> | null> {
    try {
      return new Set(await this.#deps.store.known(asked));
    } catch (error) {
      this.#deps.log.warn({ err: error, customers: asked.length }, "whether customers exist is not known yet");
      return null;
    }
  }

  #settle(customerId: CustomerId, exists: boolean | null): void {
    if (exists === false) this.#remember(customerId);
    this.#open.get(customerId)?.resolve(exists);
    this.#open.delete(customerId);
  }

  #remember(customerId: CustomerId): void {
    this.#unknown.add(customerId);
    const [oldest] = this.#unknown;
    if (this.#unknown.size > strangersMax && oldest !== undefined) this.#unknown.delete(oldest);
  }
}
