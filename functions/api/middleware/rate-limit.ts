/**
 * The bucket of all requests but submissions, one a customer in each isolate. Submissions are the coordinator's to count;
 * those that never get there have a bucket beside it, as large, so that neither reads nor nonsense costs the other.
 * Agents have one a pool.
 */
import { poolRequestsBurst, poolRequestsPerSecond } from "../../../schema/limits.ts";
import { readRateFactor, type TierLimits } from "../../../schema/tiers.ts";
import type { Rate } from "../../domain/token-bucket.ts";
import { type Counted, createBuckets } from "../buckets.ts";
import type { ApiContext, ApiHandler, Principal } from "../context.ts";
import { refuse } from "../errors.ts";
import { showRate, unlimited } from "../rate-headers.ts";

/** Customers, or pools, remembered per isolate. */
const bucketsMax = 10_000;

export interface ReadBuckets {
  /** Takes one token. */
  count(principal: Principal): Counted;
  /** Gives back one that was taken. */
  giveBack(principal: Principal): void;
}

export function createReadBuckets(clock: () => number): ReadBuckets {
  const buckets = createBuckets(clock, bucketsMax);
  return {
    count({ customer }) {
      const rate = customer === null ? null : readRate(customer.limits);
      if (customer === null || rate === null) return { rate: unlimited, retryAfterSeconds: null };
      return buckets.count(customer.customerId, rate);
    },
    giveBack({ customer }) {
      const rate = customer === null ? null : readRate(customer.limits);
      if (customer !== null && rate !== null) buckets.giveBack(customer.customerId, rate);
    },
  };
}

function readRate({ submitsPerSecond, submitBurst }: TierLimits): Rate | null {
  if (submitsPerSecond === null) return null;
  return { ratePerSecond: submitsPerSecond * readRateFactor, burst: submitBurst * readRateFactor };
}

/** What the limit says, in headers; over it, the refusal too. */
const limited =
  (count: (c: ApiContext) => Counted, counted: (c: ApiContext) => void = () => undefined): ApiHandler =>
  async (c, proceed) => {
    const { rate, retryAfterSeconds } = count(c);
    showRate(c, rate);
    if (retryAfterSeconds !== null) return refuse(c, { kind: "rate_limited", retryAfterSeconds });
    counted(c);
    return proceed();
  };

export const limitReads = (buckets: ReadBuckets): ApiHandler => limited((c) => buckets.count(c.var.principal));

/** Before the body is read. What the coordinator counts gets its token back, so only what never comes there is bounded. */
export const limitSubmissions = (buckets: ReadBuckets): ApiHandler =>
  limited(
    (c) => buckets.count(c.var.principal),
    (c) => c.set("countedElsewhere", () => buckets.giveBack(c.var.principal)),
  );

const poolRate: Rate = { ratePerSecond: poolRequestsPerSecond, burst: poolRequestsBurst };

export function limitAgents(clock: () => number): ApiHandler {
  const buckets = createBuckets(clock, bucketsMax);
  return limited((c) => buckets.count(c.var.agentPool, poolRate));
}

/** For who has no limit. */
export const showUnlimited: ApiHandler = limited(() => ({ rate: unlimited, retryAfterSeconds: null }));
