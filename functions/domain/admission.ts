/** Whether a customer may submit now: room in the queue, and tokens in the bucket (SPEC §4). */
import type { TierLimits } from "../../schema/tiers.ts";
import type { Refusal } from "./refusal.ts";
import { type Rate, retryAfterSecondsMax, type TokenBucket, take } from "./token-bucket.ts";

export interface AdmissionRequest {
  /** PENDING and REDISTRIBUTING. */
  readonly queuedCount: number;
  readonly limits: Pick<TierLimits, "queueDepthMax" | "submitsPerSecond" | "submitBurst">;
  /** Workloads in this request: each costs a token and a place, all or none pass. */
  readonly items: number;
  readonly bucket: TokenBucket;
  readonly now: number;
  /** How fast this customer's queue has been drained of late, where that is known. */
  readonly startsPerSecond?: number;
}

export type Admission =
  | { readonly ok: true; readonly bucket: TokenBucket }
  | {
      readonly ok: false;
      readonly refusal: Extract<Refusal, { kind: "batch_exceeds_queue" | "queue_full" | "rate_limited" }>;
    };

/** The rate of a customer's submissions; null: no limit. */
export const submitRate = (limits: AdmissionRequest["limits"]): Rate | null =>
  limits.submitsPerSecond === null ? null : { ratePerSecond: limits.submitsPerSecond, burst: limits.submitBurst };

/**
 * A refusal leaves no trace: the caller keeps the bucket it has. A batch larger than the burst passes when the bucket is
 * full and leaves it in debt, so in any window of w seconds accepted ≤ rate × w + max(burst, largest batch), for as long
 * as one bucket is kept: who begins with a fresh one grants one more burst.
 */
export function admit(request: AdmissionRequest): Admission {
  const { limits, items, bucket, now } = request;
  if (items > limits.queueDepthMax) {
    return { ok: false, refusal: { kind: "batch_exceeds_queue", queueDepthMax: limits.queueDepthMax } };
  }
  const excess = request.queuedCount + items - limits.queueDepthMax;
  if (excess > 0) return { ok: false, refusal: queueFull(limits.queueDepthMax, excess, request.startsPerSecond ?? 0) };
  const rate = submitRate(limits);
  if (rate === null) return { ok: true, bucket };
  const taken = take(bucket, items, now, rate);
  if (taken.ok) return taken;
  return { ok: false, refusal: { kind: "rate_limited", retryAfterSeconds: taken.retryAfterSeconds } };
}

/** With nothing known about the drain, one second: a queue can empty in a moment. */
function queueFull(
  queueDepthMax: number,
  excess: number,
  startsPerSecond: number,
): Extract<Refusal, { kind: "queue_full" }> {
  const seconds = startsPerSecond > 0 ? Math.ceil(excess / startsPerSecond) : 1;
  return { kind: "queue_full", queueDepthMax, retryAfterSeconds: Math.min(retryAfterSecondsMax, seconds) };
}
