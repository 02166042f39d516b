/** The token bucket: its promise for every window, and waits that are true. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  fullBucket,
  rebuiltBucket,
  refillMs,
  secondsUntil,
  shifted,
  type Taking,
  take,
  takenMax,
  tokensAt,
} from "../../../functions/domain/token-bucket.ts";

const rate = fc.record({ ratePerSecond: fc.integer({ min: 1, max: 500 }), burst: fc.integer({ min: 1, max: 1_000 }) });
const request = fc.record({ gapMs: fc.nat(3_000), count: fc.integer({ min: 1, max: 1_500 }) });

describe("a token bucket", () => {
  it("accepts in any window at most the rate times the window, and the burst (I22)", () => {
    fc.assert(
      fc.property(rate, fc.array(request, { maxLength: 40 }), (given, requests) => {
        const accepted: { at: number; count: number }[] = [];
        let bucket = fullBucket(given, 0);
        let now = 0;
        for (const { gapMs, count } of requests) {
          now += gapMs;
          const taken = take(bucket, count, now, given);
          if (!taken.ok) continue;
          bucket = taken.bucket;
          accepted.push({ at: now, count });
        }
        for (const [start, { at: from }] of accepted.entries()) {
          let total = 0;
          for (const { at, count } of accepted.slice(start)) {
            total += count;
            const windowSeconds = (at - from) / 1_000;
            expect(total).toBeLessThanOrEqual(given.ratePerSecond * windowSeconds + given.burst + 1e-6);
          }
        }
      }),
    );
  });

  it("that gets back what was taken in vain is never fuller than if it had not been asked for it", () => {
    const asked = fc.record({
      gapMs: fc.nat(3_000),
      count: fc.integer({ min: 1, max: 1_500 }),
      isInVain: fc.boolean(),
    });
    fc.assert(
      fc.property(rate, fc.array(asked, { maxLength: 40 }), (given, requests) => {
        let [bucket, unasked] = [fullBucket(given, 0), fullBucket(given, 0)];
        let now = 0;
        for (const { gapMs, count, isInVain } of requests) {
          now += gapMs;
          const taken = take(bucket, count, now, given);
          if (!taken.ok) continue;
          bucket = taken.bucket;
          if (!isInVain) unasked = shifted(unasked, -count, now, given);
          now += gapMs;
          if (isInVain) bucket = shifted(bucket, count, now, given);
          expect(tokensAt(bucket, now, given)).toBeLessThanOrEqual(tokensAt(unasked, now, given));
        }
      }),
    );
  });

  it("passes the same request after the wait that its refusal stated, and not a second earlier", () => {
    fc.assert(
      fc.property(rate, fc.integer({ min: 1, max: 1_500 }), fc.integer({ min: 1, max: 1_500 }), (given, one, other) => {
        const [first, count] = [Math.min(one, given.burst), Math.min(other, given.burst)];
        const spent = take(fullBucket(given, 0), first, 0, given);
        if (!spent.ok) throw new Error("a full bucket refused");
        const refused = take(spent.bucket, count, 0, given);
        if (refused.ok) return;
        const waitMs = refused.retryAfterSeconds * 1_000;
        expect(take(spent.bucket, count, waitMs, given).ok).toBe(true);
        expect(take(spent.bucket, count, waitMs - 1_000, given).ok).toBe(false);
      }),
    );
  });

  it("refills without drift over many small steps", () => {
    const given = { ratePerSecond: 7, burst: 1_000 };
    let bucket = { tokens: 0, at: 0 };
    let passed = 0;
    for (let now = 0; now <= 60_000; now += 3) {
      const taken = take(bucket, 1, now, given);
      if (!taken.ok) continue;
      bucket = taken.bucket;
      passed += 1;
    }
    expect(passed).toBe(7 * 60);
  });

  it("refills nothing when the clock goes back, and nothing twice when it returns", () => {
    const given = { ratePerSecond: 1, burst: 10 };
    const spent = take({ tokens: 10, at: 50_000 }, 9, 10_000, given);
    expect(spent).toEqual({ ok: true, bucket: { tokens: 1, at: 50_000 } });
    expect(tokensAt({ tokens: 1, at: 50_000 }, 51_000, given)).toBe(2);
  });

  it("states a finite wait also where the rate is zero", () => {
    const given = { ratePerSecond: 0, burst: 1 };
    expect(secondsUntil(1, { tokens: 0, at: 0 }, 0, given)).toBe(3_600);
  });
});

describe("a bucket that is rebuilt from what was taken", () => {
  const life = fc.array(request, { maxLength: 40 });

  /** What a holder that kept its bucket knows: the bucket, and what passed. */
  function kept(
    given: { ratePerSecond: number; burst: number },
    requests: readonly { gapMs: number; count: number }[],
  ) {
    let bucket = fullBucket(given, 0);
    let now = 0;
    const takings: Taking[] = [];
    for (const { gapMs, count } of requests) {
      now += gapMs;
      const taken = take(bucket, count, now, given);
      if (!taken.ok) continue;
      bucket = taken.bucket;
      takings.push({ at: now, count });
    }
    return { bucket, takings: mergedByTime(takings), now };
  }

  const mergedByTime = (takings: readonly Taking[]): Taking[] =>
    Array.from(
      Map.groupBy(takings, ({ at }) => at),
      ([at, same]) => ({
        at,
        count: same.reduce((sum, { count }) => sum + count, 0),
      }),
    );

  it("is the same when all that was ever taken is known", () => {
    fc.assert(
      fc.property(rate, life, fc.nat(5_000), (given, requests, later) => {
        const { bucket, takings, now } = kept(given, requests);
        const rebuilt = rebuiltBucket(given, takings, { since: 0, isWhole: true });
        expect(tokensAt(rebuilt, now + later, given)).toBe(tokensAt(bucket, now + later, given));
      }),
    );
  });

  it("is never fuller than the true one, wherever the past is cut off (I22)", () => {
    fc.assert(
      fc.property(rate, life, fc.nat(20_000), fc.nat(5_000), (given, requests, since, later) => {
        const { bucket, takings, now } = kept(given, requests);
        const known = takings.filter(({ at }) => at >= since);
        const rebuilt = rebuiltBucket(given, known, { since, isWhole: false });
        const at = Math.max(now, since) + later;
        expect(tokensAt(rebuilt, at, given)).toBeLessThanOrEqual(tokensAt(bucket, at, given));
      }),
    );
  });

  it("is full when nothing was taken for as long as the emptiest needs to fill, and what was taken then is bounded", () => {
    fc.assert(
      fc.property(rate, life, (given, requests) => {
        const now = refillMs(given);
        const rebuilt = rebuiltBucket(given, [], { since: 0, isWhole: false });
        expect(tokensAt(rebuilt, now, given)).toBe(given.burst);
        const recent = kept(given, requests).takings.filter(({ at }) => at <= now);
        const taken = recent.reduce((sum, { count }) => sum + count, 0);
        expect(taken).toBeLessThanOrEqual(takenMax(given));
      }),
    );
  });

  it("looks back for ever where nothing is refilled", () => {
    expect(refillMs({ ratePerSecond: 0, burst: 5 })).toBe(Number.POSITIVE_INFINITY);
  });
});
