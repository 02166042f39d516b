/** The token bucket: its promise for every window, and waits that are true. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fullBucket, secondsUntil, take, tokensAt } from "../../../functions/domain/token-bucket.ts";

const rate = fc.record({ ratePerSecond: fc.integer({ min: 1, max: 500 }), burst: fc.integer({ min: 1, max: 1_000 }) });
const request = fc.record({ gapMs: fc.nat(3_000), count: fc.integer({ min: 1, max: 1_500 }) });

describe("a token bucket", () => {
  it("accepts in any window at most the rate times the window, and the burst or the largest batch", () => {
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
          let largest = given.burst;
          for (const { at, count } of accepted.slice(start)) {
            total += count;
            largest = Math.max(largest, count);
            const windowSeconds = (at - from) / 1_000;
            expect(total).toBeLessThanOrEqual(given.ratePerSecond * windowSeconds + largest + 1e-6);
          }
        }
      }),
    );
  });

  it("passes the same request after the wait that its refusal stated, and not a second earlier", () => {
    fc.assert(
      fc.property(
        rate,
        fc.integer({ min: 1, max: 1_500 }),
        fc.integer({ min: 1, max: 1_500 }),
        (given, first, count) => {
          const spent = take(fullBucket(given, 0), first, 0, given);
          if (!spent.ok) throw new Error("a full bucket refused");
          const refused = take(spent.bucket, count, 0, given);
          if (refused.ok) return;
          const waitMs = refused.retryAfterSeconds * 1_000;
          expect(take(spent.bucket, count, waitMs, given).ok).toBe(true);
          expect(take(spent.bucket, count, waitMs - 1_000, given).ok).toBe(false);
        },
      ),
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
