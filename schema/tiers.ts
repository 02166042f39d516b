/** What each tier allows by default (SPEC §4); a customer's overrides win over it. */
import type { Tier } from "./status.ts";

export interface TierLimits {
  /** Workloads SCHEDULED or RUNNING at one moment. */
  readonly runningMax: number;
  /** Workloads PENDING or REDISTRIBUTING at one moment. */
  readonly queueDepthMax: number;
  /** Submissions a second in the long run; null: no rate limit. */
  readonly submitsPerSecond: number | null;
  /** Submissions at once after a quiet time. */
  readonly submitBurst: number;
  /** Share of a contended pool, and the factor on priority. */
  readonly weight: number;
}

export const tierLimits: Readonly<Record<Tier, TierLimits>> = {
  free: { runningMax: 10, queueDepthMax: 50, submitsPerSecond: 1, submitBurst: 5, weight: 1 },
  standard: { runningMax: 100, queueDepthMax: 500, submitsPerSecond: 10, submitBurst: 50, weight: 10 },
  premium: { runningMax: 500, queueDepthMax: 2_000, submitsPerSecond: 50, submitBurst: 200, weight: 50 },
  enterprise: { runningMax: 2_000, queueDepthMax: 10_000, submitsPerSecond: 200, submitBurst: 1_000, weight: 100 },
};

/** Reads have their own bucket, this many times larger than the one for submissions. */
export const readRateFactor = 20;

export const limitsOf = (tier: Tier, overrides: Partial<TierLimits>): TierLimits => ({
  ...tierLimits[tier],
  ...overrides,
});
