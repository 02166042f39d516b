/** Whether a failed attempt is tried again, and after how long (SPEC §10). */
import { runAtAheadSecondsMax } from "../../schema/limits.ts";
import type { AttemptError } from "../../schema/messages/worker-events.ts";
import type { Policy } from "./workload.ts";

export type BackoffPolicy = Pick<Policy, "retryBaseMs" | "retryCapMs">;
export type RetryPolicy = BackoffPolicy & Pick<Policy, "maxRetries">;
export type RetryCause = Pick<AttemptError, "kind" | "retry_after_ms">;

export type RetryDecision =
  | { readonly kind: "retry"; readonly dueInMs: number }
  | { readonly kind: "give_up"; readonly why: "permanent" | "retries_used" };

/** Beyond this the exponential is over every cap, and one more doubling would leave the exact integers. */
const doublingsMax = 30;

/** User code names it, so it is bounded like every other moment in the future. */
const retryAfterMsMax = runAtAheadSecondsMax * 1_000;

/**
 * Exponential with full jitter: a wait drawn evenly from [0, min(cap, base × 2^retryCount)), so that many that failed
 * together do not come back together. Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 * `retryCount` retries were made before this one; `random` in [0, 1); whole milliseconds.
 */
export function backoffMs(policy: BackoffPolicy, retryCount: number, random: number): number {
  const ceiling = Math.min(policy.retryCapMs, policy.retryBaseMs * 2 ** Math.min(retryCount, doublingsMax));
  return Math.floor(random * ceiling);
}

/** At most `maxRetries` retries, none of a permanent error; what the error asked for is respected where it is longer. */
export function retryDecision(
  policy: RetryPolicy,
  retryCount: number,
  error: RetryCause,
  random: number,
): RetryDecision {
  if (error.kind === "permanent") return { kind: "give_up", why: "permanent" };
  if (retryCount >= policy.maxRetries) return { kind: "give_up", why: "retries_used" };
  const asked = Math.min(retryAfterMsMax, error.retry_after_ms ?? 0);
  return { kind: "retry", dueInMs: Math.max(asked, backoffMs(policy, retryCount, random)) };
}
