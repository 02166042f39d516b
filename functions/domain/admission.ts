/** Whether a customer may submit now: room in the queue, and tokens in the bucket (SPEC §4). */
import type { TierLimits } from "../../schema/tiers.ts";
import type { Refusal } from "./refusal.ts";
import {
  fullBucket,
  type Rate,
  rebuiltBucket,
  refillMs,
  retryAfterSecondsMax,
  shifted,
  type Taking,
  type TokenBucket,
  take,
  takenMax,
} from "./token-bucket.ts";

export interface AdmissionRequest {
  /** PENDING and REDISTRIBUTING. */
  readonly queuedCount: number;
  readonly limits: Pick<TierLimits, "queueDepthMax" | "submitsPerSecond" | "submitBurst">;
  /** Workloads in this request: each costs a token and a place, all or none pass. */
  readonly items: number;
  readonly bucket: TokenBucket;
  readonly now: number;
  /** How fast this customer's slots have come free of late; null: not known. */
  readonly slotsFreedPerSecond: number | null;
}

type NoRoom = "batch_exceeds_queue" | "batch_exceeds_burst" | "queue_full" | "rate_limited";

export type Admission =
  | { readonly ok: true; readonly bucket: TokenBucket }
  | {
      readonly ok: false;
      readonly refusal: Extract<Refusal, { kind: NoRoom }>;
    };

/** The rate of a customer's submissions; null: no limit. */
export const submitRate = (limits: AdmissionRequest["limits"]): Rate | null =>
  limits.submitsPerSecond === null ? null : { ratePerSecond: limits.submitsPerSecond, burst: limits.submitBurst };

/** What was accepted since a moment; `isWhole`: nothing was before it. */
export interface Accepted {
  readonly since: number;
  readonly takings: readonly Taking[];
  readonly isWhole: boolean;
}

/** Of a customer that has submitted nothing, or has no limit of its rate. */
export const nothingAccepted = (now: number): Accepted => ({ since: now, takings: [], isWhole: true });

/** How far back, and how many workloads at most, a new leader reads to know the bucket; null: there is none. */
export function acceptedToRead(limits: AdmissionRequest["limits"], now: number): { since: number; max: number } | null {
  const rate = submitRate(limits);
  if (rate === null) return null;
  return { since: Math.max(0, now - refillMs(rate)), max: takenMax(rate) };
}

/** The bucket as its last holder left it, or a little emptier; never fuller, so a change of leader grants nothing (I22). */
export function bucketAfter(limits: AdmissionRequest["limits"], accepted: Accepted, now: number): TokenBucket {
  const rate = submitRate(limits);
  if (rate === null) return fullBucket({ ratePerSecond: 0, burst: 0 }, now);
  return rebuiltBucket(rate, accepted.takings, accepted);
}

/**
 * A refusal leaves no trace: the caller keeps the bucket it has. A batch larger than the burst never passes, so in any
 * window of w seconds accepted ≤ rate × w + burst (I22).
 */
export function admit(request: AdmissionRequest): Admission {
  const { limits, items, bucket, now } = request;
  if (items > limits.queueDepthMax) {
    return { ok: false, refusal: { kind: "batch_exceeds_queue", queueDepthMax: limits.queueDepthMax } };
  }
  const rate = submitRate(limits);
  if (rate !== null && items > rate.burst) {
    return { ok: false, refusal: { kind: "batch_exceeds_burst", submitBurst: rate.burst } };
  }
  const excess = request.queuedCount + items - limits.queueDepthMax;
  if (excess > 0) return { ok: false, refusal: queueFull(limits.queueDepthMax, excess, request.slotsFreedPerSecond) };
  if (rate === null) return { ok: true, bucket };
  const taken = take(bucket, items, now, rate);
  if (taken.ok) return taken;
  return { ok: false, refusal: { kind: "rate_limited", retryAfterSeconds: taken.retryAfterSeconds } };
}

type Held = Pick<AdmissionRequest, "bucket" | "limits" | "now">;

/** Of submissions that were admitted and made nothing: their tokens are there again. */
export const givenBack = (items: number, held: Held): TokenBucket => shiftedBy(items, held);

/** Of submissions that an earlier leader admitted and this one will write: their tokens are gone here too. */
export const takenOver = (items: number, held: Held): TokenBucket => shiftedBy(-items, held);

function shiftedBy(tokens: number, { bucket, limits, now }: Held): TokenBucket {
  const rate = submitRate(limits);
  return rate === null || tokens === 0 ? bucket : shifted(bucket, tokens, now, rate);
}

/** Each slot that comes free takes one out of the queue. With none measured, one second: a queue can empty in a moment. */
function queueFull(
  queueDepthMax: number,
  excess: number,
  slotsFreedPerSecond: number | null,
): Extract<Refusal, { kind: "queue_full" }> {
  const seconds = slotsFreedPerSecond === null ? 1 : Math.ceil(excess / slotsFreedPerSecond);
  return { kind: "queue_full", queueDepthMax, retryAfterSeconds: Math.min(retryAfterSecondsMax, seconds) };
}
