/** Token buckets by name, as many as an isolate may remember; one that is forgotten starts full. */
import type { RateState } from "../coordinator/gateway.ts";
import {
  fullBucket,
  type Rate,
  secondsUntil,
  shifted,
  type TokenBucket,
  take,
  tokensAt,
} from "../domain/token-bucket.ts";
import { createBoundedCache } from "./bounded-cache.ts";

export interface Counted {
  readonly rate: RateState;
  /** Null: within the limit. */
  readonly retryAfterSeconds: number | null;
}

export interface Buckets {
  /** Takes one token. */
  count(name: string, rate: Rate): Counted;
  /** Gives back one that was taken. */
  giveBack(name: string, rate: Rate): void;
}

export function createBuckets(clock: () => number, bucketsMax: number): Buckets {
  const buckets = createBoundedCache<string, TokenBucket>(bucketsMax);
  return {
    count(name, rate) {
      const now = clock();
      const before = buckets.get(name) ?? fullBucket(rate, now);
      const taken = take(before, 1, now, rate);
      const bucket = taken.ok ? taken.bucket : before;
      buckets.set(name, bucket);
      return { rate: stateOf(bucket, now, rate), retryAfterSeconds: taken.ok ? null : taken.retryAfterSeconds };
    },
    giveBack(name, rate) {
      const bucket = buckets.get(name);
      if (bucket !== undefined) buckets.set(name, shifted(bucket, 1, clock(), rate));
    },
  };
}

const stateOf = (bucket: TokenBucket, now: number, rate: Rate): RateState => ({
  limit: rate.burst,
  remaining: Math.floor(tokensAt(bucket, now, rate)),
  resetSeconds: secondsUntil(rate.burst, bucket, now, rate),
});
