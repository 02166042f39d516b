/** Limits inside and as the API writes them, and the bucket when they change. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { submitRate } from "../../../functions/domain/admission.ts";
import { bucketUnder, limitsView, overridesOf, overridesView } from "../../../functions/domain/customer-limits.ts";
import { fullBucket, tokensAt } from "../../../functions/domain/token-bucket.ts";
import { overridesSchema } from "../../../schema/http/customer.ts";
import { limitsOf, tierLimits } from "../../../schema/tiers.ts";

const count = fc.integer({ min: 1, max: 10_000 });
const overrides = fc.record(
  {
    running_max: count,
    queue_depth_max: count,
    submits_per_second: fc.option(count),
    submit_burst: count,
    weight: count,
  },
  { requiredKeys: [] },
);

describe("overrides", () => {
  test("come back as they were written, and win over the tier", () => {
    fc.assert(
      fc.property(overrides, (view) => {
        const parsed = overridesSchema.parse(view);
        expect(overridesView(overridesOf(parsed))).toEqual(parsed);
        expect(limitsView(limitsOf("free", overridesOf(parsed)))).toEqual({
          ...limitsView(tierLimits.free),
          ...parsed,
        });
      }),
    );
  });
});

describe("a bucket whose limits change", () => {
  const limits = overrides.map((view) => limitsOf("standard", overridesOf(overridesSchema.parse(view))));

  test("holds what was there, and never more than the new burst", () => {
    fc.assert(
      fc.property(limits, limits, fc.nat(100), fc.nat(100_000), (before, after, spent, now) => {
        const [old, next] = [submitRate(before), submitRate(after)];
        fc.pre(old !== null && next !== null);
        if (old === null || next === null) return;
        const bucket = { tokens: old.burst - spent, at: 0 };
        const level = tokensAt(bucketUnder(bucket, before, after, now), now, next);
        expect(level).toBe(Math.min(next.burst, tokensAt(bucket, now, old)));
      }),
    );
  });

  test("begins full for who had no limit of the rate", () => {
    const after = limitsOf("free", {});
    const unlimited = limitsOf("free", { submitsPerSecond: null });
    expect(bucketUnder({ tokens: 0, at: 0 }, unlimited, after, 9)).toEqual(
      fullBucket({ ratePerSecond: 1, burst: 5 }, 9),
    );
  });
});
