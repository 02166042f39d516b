/**
 * A token bucket: in any window of w seconds at most `ratePerSecond × w + max(burst, largest request)` tokens are taken.
 * Exact: it counts in thousandths of a token, of which a rate per second yields a whole number each millisecond.
 */

export interface Rate {
  readonly ratePerSecond: number;
  readonly burst: number;
}

/** `tokens` is below zero while a debt is paid; `at` in milliseconds. */
export interface TokenBucket {
  readonly tokens: number;
  readonly at: number;
}

export type Taken =
  | { readonly ok: true; readonly bucket: TokenBucket }
  | { readonly ok: false; readonly retryAfterSeconds: number };

/** The longest wait that is ever stated; a bucket without a rate would take for ever. */
export const retryAfterSecondsMax = 3_600;

const milli = 1_000;

export const fullBucket = ({ burst }: Rate, now: number): TokenBucket => ({ tokens: burst, at: now });

/** Rounded down, so a fraction is lost at most, never gained; a clock that goes back refills nothing. */
function milliTokensAt(bucket: TokenBucket, now: number, { ratePerSecond, burst }: Rate): number {
  const refilled = Math.floor(Math.max(0, now - bucket.at) * ratePerSecond);
  return Math.min(burst * milli, Math.round(bucket.tokens * milli) + refilled);
}

export const tokensAt = (bucket: TokenBucket, now: number, rate: Rate): number =>
  milliTokensAt(bucket, now, rate) / milli;

/** Whole seconds, rounded up, until that many tokens are there. */
export function secondsUntil(tokens: number, bucket: TokenBucket, now: number, rate: Rate): number {
  const missing = tokens * milli - milliTokensAt(bucket, now, rate);
  if (missing <= 0) return 0;
  if (rate.ratePerSecond <= 0) return retryAfterSecondsMax;
  return Math.min(retryAfterSecondsMax, Math.ceil(missing / milli / rate.ratePerSecond));
}

/**
 * All `count` tokens or none. More than the burst are given from a full bucket only, and leave it in debt. A refusal
 * leaves the bucket as it is: asking costs nothing, and asking often rounds nothing away.
 */
export function take(bucket: TokenBucket, count: number, now: number, rate: Rate): Taken {
  const needed = Math.min(count, rate.burst);
  const level = milliTokensAt(bucket, now, rate);
  if (level < needed * milli) return { ok: false, retryAfterSeconds: secondsUntil(needed, bucket, now, rate) };
  return { ok: true, bucket: { tokens: (level - count * milli) / milli, at: Math.max(bucket.at, now) } };
}
