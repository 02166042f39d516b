/** What the API remembers of the customers that tokens name, whether they exist or not. */
import type { CustomerId } from "../../../schema/ids.ts";
import { apiKeyCacheSeconds } from "../../../schema/limits.ts";
import { createBoundedCache } from "../bounded-cache.ts";
import type { ApiDependencies, Caller } from "../context.ts";

const callersMax = 10_000;
const keptMs = apiKeyCacheSeconds * 1_000;

export interface KnownCaller {
  /** Null: there is no such customer. */
  readonly caller: Caller | null;
  /** Until when this holds, in milliseconds. */
  readonly until: number;
}

export function createCallers({ store, clock }: Pick<ApiDependencies, "store" | "clock">) {
  const known = createBoundedCache<CustomerId, KnownCaller>(callersMax);
  return async (customerId: CustomerId): Promise<KnownCaller> => {
    const now = clock();
    const kept = known.get(customerId);
    // Looked up again halfway: a token that is checked ahead of its end is to be good for longer.
    if (kept !== undefined && now < kept.until - keptMs / 2) return kept;
    const found = { caller: await store.caller(customerId), until: now + keptMs };
    known.set(customerId, found);
    return found;
  };
}
