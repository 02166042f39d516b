/**
 * A token bucket: in any window of w seconds at most `ratePerSecond × w + burst` tokens are taken.
 * Exact: it counts in thousandths of a token, of which a rate per second yields a whole number each millisecond.
 */

export interface Rate {
  readonly ratePerSecond: number;
  readonly burst: number;
}

/** `tokens` is below zero only where a new holder cannot know better; `at` in milliseconds. */
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

/** What was taken at one moment. */
export interface Taking {
  readonly at: number;
  readonly count: number;
}

/**
 * A bucket as it must be at least empty, from what was taken of late. `takings` rise in time; before `since` it may have
 * been empty, or it was full where nothing was ever taken before (`isWhole`). What was taken also shows what was there, so
 * the result is never above the true bucket, and not far below it.
 */
export function rebuiltBucket(
  rate: Rate,
  takings: readonly Taking[],
  { since, isWhole }: { readonly since: number; readonly isWhole: boolean },
): TokenBucket {
  const tokens = isWhole ? rate.burst : 0;
  return takings.reduce((bucket, taking) => takenFrom(bucket, taking, rate), { tokens, at: since });
}

/** Empty at the least: more than the burst was taken at once only under another limit, which this one does not make good. */
function takenFrom(bucket: TokenBucket, { at, count }: Taking, rate: Rate): TokenBucket {
  const left = Math.round(tokensAt(bucket, at, rate) * milli) - count * milli;
  return { tokens: Math.max(0, left) / milli, at: Math.max(bucket.at, at) };
}

/** How far back to look: whatever was taken before, the bucket could be full since. In milliseconds; a bucket without a rate: for ever. */
export const refillMs = ({ ratePerSecond, burst }: Rate): number =>
  ratePerSecond <= 0 ? Number.POSITIVE_INFINITY : Math.ceil((burst / ratePerSecond) * 1_000);

/** More than so many are not taken within that time: what was there, and what came in. */
export const takenMax = ({ burst }: Rate): number => 2 * burst;

/** Rounded down, so a fraction is lost at most, never gained; a clock that goes back refills nothing. */
function milliTokensAt(bucket: TokenBucket, now: number, { ratePerSecond, burst }: Rate): number {
  const refilled = Math.floor(Math.max(0, now - bucket.at) * ratePerSecond);
  return Math.min(burst * milli, Math.round(bucket.tokens * milli) + refilled);
}

/** With so many tokens more, never over the burst, or with so many fewer, below zero where they are not there. */
export function shifted(bucket: TokenBucket, by: number, now: number, rate: Rate): TokenBucket {
  const level = Math.min(rate.burst * milli, milliTokensAt(bucket, now, rate) + by * milli);
  return { tokens: level / milli, at: Math.max(bucket.at, now) };
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
 * All `count` tokens or none; `count` is the burst at most, since more are never there. A refusal leaves the bucket as it
 * is: asking costs nothing, and asking often rounds nothing away.
 */
export function take(bucket: TokenBucket, count: number, now: number, rate: Rate): Taken {
  const level = milliTokensAt(bucket, now, rate);
  if (level < count * milli) return { ok: false, retryAfterSeconds: secondsUntil(count, bucket, now, rate) };
  return { ok: true, bucket: { tokens: (level - count * milli) / milli, at: Math.max(bucket.at, now) } };
}
