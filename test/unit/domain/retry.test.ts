/** Retries: bounded in number and in wait, and never of a permanent error. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs, retryDecision } from "../../../functions/domain/retry.ts";
import { runAtAheadSecondsMax } from "../../../schema/limits.ts";

const policy = { maxRetries: 3, retryBaseMs: 1_000, retryCapMs: 300_000 };
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const failing = fc.constantFrom("transient" as const, "timeout" as const);
const almostOne = 1 - Number.EPSILON;

describe("the backoff", () => {
  it("is a whole number of milliseconds below the cap and below the doubled base", () => {
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(600_000), fc.nat(1_000), random, (retryBaseMs, retryCapMs, retries, drawn) => {
        const wait = backoffMs({ retryBaseMs, retryCapMs }, retries, drawn);
        expect(Number.isSafeInteger(wait)).toBe(true);
        expect(wait).toBeGreaterThanOrEqual(0);
        expect(wait).toBeLessThanOrEqual(Math.min(retryCapMs, retryBaseMs * 2 ** retries));
      }),
    );
  });

  it("spreads over the whole interval, which doubles until the cap", () => {
    expect(backoffMs(policy, 0, 0)).toBe(0);
    expect(backoffMs(policy, 0, 0.5)).toBe(500);
    expect([0, 1, 2, 8, 9, 500].map((retries) => backoffMs(policy, retries, almostOne))).toEqual([
      999, 1_999, 3_999, 255_999, 299_999, 299_999,
    ]);
  });
});

describe("a failed attempt", () => {
  it("is tried again exactly as often as the policy says", () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(40), failing, random, (maxRetries, retryCount, kind, drawn) => {
        const decision = retryDecision({ ...policy, maxRetries }, retryCount, { kind }, drawn);
        expect(decision.kind).toBe(retryCount < maxRetries ? "retry" : "give_up");
      }),
    );
  });

  it("is never tried again after a permanent error", () => {
    const decision = retryDecision(policy, 0, { kind: "permanent", retry_after_ms: 10 }, 0.5);
    expect(decision).toEqual({ kind: "give_up", why: "permanent" });
  });

  it("waits for what the error asked for, or for the backoff where that is longer", () => {
    const due = (retry_after_ms: number) => retryDecision(policy, 0, { kind: "transient", retry_after_ms }, 0.5);
    expect(due(60_000)).toEqual({ kind: "retry", dueInMs: 60_000 });
    expect(due(10)).toEqual({ kind: "retry", dueInMs: 500 });
  });

  it("is due within a year, whatever the error asked for", () => {
    const decision = retryDecision(policy, 0, { kind: "transient", retry_after_ms: Number.MAX_SAFE_INTEGER }, 0.5);
    expect(decision).toEqual({ kind: "retry", dueInMs: runAtAheadSecondsMax * 1_000 });
  });
});
