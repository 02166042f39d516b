/** Wrong credentials, counted by the address that they came from; one memory for all kinds of them in an isolate. */
import { failureLookMs, failureLooksMax, failuresBurst, failuresPerSecond } from "../../../schema/limits.ts";
import { fullBucket, secondsUntil, shifted, type TokenBucket, take } from "../../domain/token-bucket.ts";
import { createBoundedCache } from "../bounded-cache.ts";

/** One that is forgotten begins anew. */
const addressesMax = 10_000;
const rate = { ratePerSecond: failuresPerSecond, burst: failuresBurst };

/** Leave to show one credential that nobody knows: paid for in advance, as if it were wrong. */
export type Entry =
  | { readonly ok: true; readonly leave: (wasWrong: boolean) => void }
  | { readonly ok: false; readonly retryAfterSeconds: number };

export interface Failures {
  /** While others of this address are being checked, which may yet turn out right, it waits a moment. Who enters leaves. */
  enter(address: string): Promise<Entry>;
  /** Seconds until this address may show a credential that nobody knows; 0: now. */
  wait(address: string): number;
  count(address: string): void;
}

/** What is known of one address. */
interface Account {
  bucket: TokenBucket;
  underWay: number;
}

export function createFailures(clock: () => number): Failures {
  const accounts = createBoundedCache<string, Account>(addressesMax);
  const accountOf = (address: string): Account => {
    const account = accounts.get(address) ?? { bucket: fullBucket(rate, clock()), underWay: 0 };
    accounts.set(address, account);
    return account;
  };
  return {
    enter: (address) => enter(accountOf(address), clock),
    wait: (address) => secondsUntil(1, accountOf(address).bucket, clock(), rate),
    count(address) {
      const account = accountOf(address);
      const taken = take(account.bucket, 1, clock(), rate);
      if (taken.ok) account.bucket = taken.bucket;
    },
  };
}

/**
 * Each request looks again by a timer of its own: the runtime ends one that waits for a promise which only another request
 * can resolve, as if its code had hung.
 */
async function enter(account: Account, clock: () => number): Promise<Entry> {
  for (let look = 0; ; look += 1) {
    const taken = take(account.bucket, 1, clock(), rate);
    if (taken.ok) {
      account.bucket = taken.bucket;
      account.underWay += 1;
      return { ok: true, leave: (wasWrong) => leave(account, wasWrong, clock()) };
    }
    if (account.underWay === 0 || look === failureLooksMax) return taken;
    await new Promise((resolve) => setTimeout(resolve, failureLookMs));
  }
}

/** What is given back lets one in. */
function leave(account: Account, wasWrong: boolean, now: number): void {
  account.underWay -= 1;
  if (!wasWrong) account.bucket = shifted(account.bucket, 1, now, rate);
}
