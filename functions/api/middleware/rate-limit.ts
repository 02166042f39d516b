/** The bucket of all requests but submissions, one a customer in each isolate; submissions are the coordinator's to count. */
import { readRateFactor, type TierLimits } from "../../../schema/tiers.ts";
import type { RateState } from "../../coordinator/gateway.ts";
import { fullBucket, type Rate, secondsUntil, type TokenBucket, take, tokensAt } from "../../domain/token-bucket.ts";
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
  /** Only looks: for what another bucket counts. */
  look(principal: Principal): Counted;
}

export function createReadBuckets(clock: () => number): ReadBuckets {
  const buckets = createBoundedCache<string, TokenBucket>(readBucketsMax);
  const charge = ({ customer }: Principal, tokens: number): Counted => {
    const rate = customer === null ? null : readRate(customer.limits);
    if (customer === null || rate === null) return { rate: unlimited, retryAfterSeconds: null };
    return chargeBucket(buckets, customer.customerId, rate, tokens, clock());
  };
  return { count: (principal) => charge(principal, 1), look: (principal) => charge(principal, 0) };
}

function readRate({ submitsPerSecond, submitBurst }: TierLimits): Rate | null {
  if (submitsPerSecond === null) return null;
  return { ratePerSecond: submitsPerSecond * readRateFactor, burst: submitBurst * readRateFactor };
}

function chargeBucket(
  buckets: BoundedCache<string, TokenBucket>,
  customerId: string,
  rate: Rate,
  tokens: number,
  now: number,
): Counted {
  const before = buckets.get(customerId) ?? fullBucket(rate, now);
  const taken = take(before, tokens, now, rate);
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

/** A write that is refused before its coordinator counts it shows the bucket of reads, and costs nothing. */
export const showReads =
  (buckets: ReadBuckets): ApiHandler =>
  (c, proceed) => {
    showRate(c, buckets.look(c.var.principal).rate);
    return proceed();
  };
