/** The rate meter: what it says is what was counted, of late only. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { counted, measuredSeconds, newMeter, perSecond } from "../../../functions/domain/rate-meter.ts";
import { rateWindowSeconds, rateWindowSecondsMin } from "../../../schema/limits.ts";

const windowMs = rateWindowSeconds * 1_000;
const t0 = 1_000_000;

describe("a rate meter", () => {
  it("knows nothing before something happened, and when it was long ago", () => {
    expect(perSecond(newMeter(t0), t0 + 5_000)).toBeNull();
    expect(perSecond(counted(newMeter(t0), 3, t0), t0 + 2 * windowMs)).toBeNull();
  });

  it("divides by the time that it has counted for, and by the window at most", () => {
    const meter = counted(counted(newMeter(t0), 30, t0 + 2_000), 30, t0 + 9_000);
    expect(perSecond(meter, t0 + 20_000)).toBe(3);
    const later = t0 + 10 * windowMs;
    expect(perSecond(counted(meter, rateWindowSeconds, later), later)).toBe(1);
  });

  it("takes a first moment for the least window, so that a few at once are no rate", () => {
    expect(perSecond(counted(newMeter(t0), 10, t0), t0)).toBe(10 / rateWindowSecondsMin);
  });

  it("keeps few slots and loses nothing of the window, however often it counts", () => {
    const gaps = fc.array(fc.record({ gapMs: fc.nat(20_000), count: fc.integer({ min: 1, max: 50 }) }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(gaps, (events) => {
        let meter = newMeter(t0);
        let now = t0;
        const past: { at: number; count: number }[] = [];
        for (const { gapMs, count } of events) {
          now += gapMs;
          meter = counted(meter, count, now);
          past.push({ at: now, count });
        }
        expect(meter.slots.length).toBeLessThanOrEqual(61);
        const total = (perSecond(meter, now) ?? 0) * measuredSeconds(t0, now);
        const within = (ms: number) =>
          past.filter(({ at }) => at > now - ms).reduce((sum, { count }) => sum + count, 0);
        expect(total).toBeGreaterThanOrEqual(within(windowMs - windowMs / 60) - 1e-6);
        expect(total).toBeLessThanOrEqual(within(windowMs) + 1e-6);
      }),
    );
  });
});
