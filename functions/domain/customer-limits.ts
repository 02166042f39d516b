/** A customer's limits: the tier's with what differs from them, inside and as the API writes them. */
import type { LimitsView, OverridesView } from "../../schema/http/customer.ts";
import type { TierLimits } from "../../schema/tiers.ts";
import { submitRate } from "./admission.ts";
import { fullBucket, type TokenBucket, tokensAt } from "./token-bucket.ts";

export const limitsView = (limits: TierLimits): LimitsView => ({
  running_max: limits.runningMax,
  queue_depth_max: limits.queueDepthMax,
  submits_per_second: limits.submitsPerSecond,
  submit_burst: limits.submitBurst,
  weight: limits.weight,
});

/** What is not named is left out: the tier's holds. */
export const overridesOf = (view: OverridesView): Partial<TierLimits> => ({
  ...(view.running_max === undefined ? {} : { runningMax: view.running_max }),
  ...(view.queue_depth_max === undefined ? {} : { queueDepthMax: view.queue_depth_max }),
  ...(view.submits_per_second === undefined ? {} : { submitsPerSecond: view.submits_per_second }),
  ...(view.submit_burst === undefined ? {} : { submitBurst: view.submit_burst }),
  ...(view.weight === undefined ? {} : { weight: view.weight }),
});

export const overridesView = (overrides: Partial<TierLimits>): OverridesView => ({
  ...(overrides.runningMax === undefined ? {} : { running_max: overrides.runningMax }),
  ...(overrides.queueDepthMax === undefined ? {} : { queue_depth_max: overrides.queueDepthMax }),
  ...(overrides.submitsPerSecond === undefined ? {} : { submits_per_second: overrides.submitsPerSecond }),
  ...(overrides.submitBurst === undefined ? {} : { submit_burst: overrides.submitBurst }),
  ...(overrides.weight === undefined ? {} : { weight: overrides.weight }),
});

/**
 * The bucket under new limits: what was refilled until now at the old rate, never more than the new burst. Who had no limit
 * of the rate begins with a full one.
 */
export function bucketUnder(bucket: TokenBucket, before: TierLimits, after: TierLimits, now: number): TokenBucket {
  const [old, next] = [submitRate(before), submitRate(after)];
  if (next === null) return bucket;
  if (old === null) return fullBucket(next, now);
  return { tokens: Math.min(next.burst, tokensAt(bucket, now, old)), at: Math.max(bucket.at, now) };
}
