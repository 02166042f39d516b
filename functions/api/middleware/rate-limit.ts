/**
 * The bucket of all requests but submissions, one a customer in each isolate. Submissions are the coordinator's to count;
 * those that never get there have a bucket beside it, as large, so that neither reads nor nonsense costs the other.
 */
import { readRateFactor, type TierLimits } from "../../../schema/tiers.ts";
import type { RateState } from "../../coordinator/gateway.ts";
import {
  fullBucket,
  type Rate,
  secondsUntil,
  shifted,
  type TokenBucket,
  take,
  tokensAt,
} from "../../domain/token-bucket.ts";
import { type BoundedCache, createBoundedCache } from "../bounded-cache.ts";
import type { ApiHandler, Principal } from "../context.ts";
import { refuse } from "../errors.ts";
import { showRate, unlimited } from "../rate-headers.ts";

/** Customers remembered per isolate; one that is forgotten starts with a full bucket. */
const readBucketsMax = 10_000;

interface Counted {
  readonly rate: RateState;
  /** Null: within the limit. */
  readonly retryAfterSeconds: number | null;
}

export interface ReadBuckets {
  /** Takes one token. */
  count(principal: Principal): Counted;
  /** Gives back one that was taken. */
  giveBack(principal: Principal): void;
}

export function createReadBuckets(clock: () => number): ReadBuckets {
  const buckets = createBoundedCache<string, TokenBucket>(readBucketsMax);
  return {
    count({ customer }) {
      const rate = customer === null ? null : readRate(customer.limits);
      if (customer === null || rate === null) return { rate: unlimited, retryAfterSeconds: null };
      return takeOne(buckets, customer.customerId, rate, clock());
    },
    giveBack({ customer }) {
      const rate = customer === null ? null : readRate(customer.limits);
      const bucket = customer === null ? undefined : buckets.get(customer.customerId);
      if (customer === null || rate === null || bucket === undefined) return;
      buckets.set(customer.customerId, shifted(bucket, 1, clock(), rate));
    },
  };
}

function readRate({ submitsPerSecond, submitBurst }: TierLimits): Rate | null {
  if (submitsPerSecond === null) return null;
  return { ratePerSecond: submitsPerSecond * readRateFactor, burst: submitBurst * readRateFactor };
}

function takeOne(buckets: BoundedCache<string, TokenBucket>, customerId: string, rate: Rate, now: number): Counted {
  const before = buckets.get(customerId) ?? fullBucket(rate, now);
  const taken = take(before, 1, now, rate);
  const bucket = taken.ok ? taken.bucket : before;
  buckets.set(customerId, bucket);
  return { rate: stateOf(bucket, now, rate), retryAfterSeconds: taken.ok ? null : taken.retryAfterSeconds };
}

const stateOf = (bucket: TokenBucket, now: number, rate: Rate): RateState => ({
  limit: rate.burst,
  remaining: Math.floor(tokensAt(bucket, now, rate)),
  resetSeconds: secondsUntil(rate.burst, bucket, now, rate),
});

export const limitReads =
  (buckets: ReadBuckets): ApiHandler =>
  async (c, proceed) => {
    const { rate, retryAfterSeconds } = buckets.count(c.var.principal);
    showRate(c, rate);
    return retryAfterSeconds === null ? proceed() : refuse(c, { kind: "rate_limited", retryAfterSeconds });
  };

/** Before the body is read. What the coordinator counts gets its token back, so only what never comes there is bounded. */
export const limitSubmissions =
  (buckets: ReadBuckets): ApiHandler =>
  async (c, proceed) => {
    const { principal } = c.var;
    const { rate, retryAfterSeconds } = buckets.count(principal);
    showRate(c, rate);
    if (retryAfterSeconds !== null) return refuse(c, { kind: "rate_limited", retryAfterSeconds });
    c.set("countedElsewhere", () => buckets.giveBack(principal));
    return proceed();
  };
