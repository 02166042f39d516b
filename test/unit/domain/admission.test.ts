/** Admission: the queue's depth and the rate of submissions, each with a true refusal. */
import { describe, expect, it } from "vitest";
import { admit } from "../../../functions/domain/admission.ts";

const limits = { queueDepthMax: 50, submitsPerSecond: 2, submitBurst: 5 };
const full = { tokens: 5, at: 0 };
const request = { queuedCount: 0, limits, items: 1, bucket: full, slotsFreedPerSecond: null, now: 0 };

describe("admission", () => {
  it("takes one token an item", () => {
    expect(admit({ ...request, items: 3 })).toEqual({ ok: true, bucket: { tokens: 2, at: 0 } });
  });

  it("fills the queue to its depth and not beyond", () => {
    expect(admit({ ...request, queuedCount: 48, items: 2 }).ok).toBe(true);
    expect(admit({ ...request, queuedCount: 48, items: 3 })).toEqual({
      ok: false,
      refusal: { kind: "queue_full", queueDepthMax: 50, retryAfterSeconds: 1 },
    });
  });

  it("estimates when a full queue has room from how fast slots come free", () => {
    const refused = admit({ ...request, queuedCount: 50, items: 5, slotsFreedPerSecond: 0.5 });
    expect(refused).toMatchObject({ refusal: { kind: "queue_full", retryAfterSeconds: 10 } });
  });

  it("says in how many seconds the tokens are there", () => {
    const refused = admit({ ...request, bucket: { tokens: 0, at: 0 }, items: 3 });
    expect(refused).toEqual({ ok: false, refusal: { kind: "rate_limited", retryAfterSeconds: 2 } });
  });

  it("takes a batch as large as the burst, and says that a larger one never passes, however full the bucket is (I22)", () => {
    expect(admit({ ...request, items: 5 })).toEqual({ ok: true, bucket: { tokens: 0, at: 0 } });
    for (const queuedCount of [0, 48]) {
      const refused = admit({ ...request, queuedCount, items: 6, now: 3_600_000 });
      expect(refused).toEqual({ ok: false, refusal: { kind: "batch_exceeds_burst", submitBurst: 5 } });
    }
  });

  it("asks for no token where there is no rate limit, and still keeps the depth", () => {
    const unlimited = { ...limits, submitsPerSecond: null };
    expect(admit({ ...request, limits: unlimited, items: 50 })).toEqual({ ok: true, bucket: full });
    expect(admit({ ...request, limits: unlimited, items: 51 }).ok).toBe(false);
  });
});
