/** Leases: what silence means, and when to look again. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { leaseVerdict, nextLeaseCheckAt } from "../../../functions/domain/lease.ts";
import { leaseHeartbeatsMin } from "../../../schema/limits.ts";

const terms = { leaseMs: 15_000, heartbeatMs: 5_000 };
const lastAckAt = 1_000_000;
const after = (silentMs: number) => leaseVerdict({ ...terms, lastAckAt, now: lastAckAt + silentMs });

const anyTerms = fc.integer({ min: 1, max: 10_000 }).chain((heartbeatMs) =>
  fc.record({
    heartbeatMs: fc.constant(heartbeatMs),
    leaseMs: fc.integer({ min: leaseHeartbeatsMin * heartbeatMs, max: 100_000 }),
  }),
);

describe("a lease", () => {
  it("is alive, then missed when a heartbeat is late by half, then over at its very end", () => {
    expect([0, 5_000, 7_499].map(after)).toEqual(["alive", "alive", "alive"]);
    expect([7_500, 14_999].map(after)).toEqual(["missed", "missed"]);
    expect([15_000, 900_000].map(after)).toEqual(["over", "over"]);
  });

  it("is alive when the clock went back", () => {
    expect(after(-60_000)).toBe("alive");
  });

  it("is looked at again at the first millisecond at which a verdict differs", () => {
    fc.assert(
      fc.property(anyTerms, fc.array(fc.nat(200_000), { minLength: 1 }), (given, acks) => {
        const now = 200_000;
        const verdictsAt = (at: number) => acks.map((ack) => leaseVerdict({ ...given, lastAckAt: ack, now: at }));
        const live = acks.filter((ack) => leaseVerdict({ ...given, lastAckAt: ack, now }) !== "over");
        const checkAt = nextLeaseCheckAt(given, live, now);
        if (checkAt === null) {
          expect(live).toEqual([]);
          return;
        }
        expect(checkAt).toBeGreaterThan(now);
        expect(verdictsAt(checkAt - 1)).toEqual(verdictsAt(now));
        expect(verdictsAt(checkAt)).not.toEqual(verdictsAt(now));
      }),
    );
  });

  it("that is over is due at once, and no workers need no look", () => {
    expect(nextLeaseCheckAt(terms, [0, lastAckAt], lastAckAt)).toBe(lastAckAt);
    expect(nextLeaseCheckAt(terms, [], lastAckAt)).toBeNull();
  });
});
