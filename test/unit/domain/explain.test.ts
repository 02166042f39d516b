/** The one rule that an explanation names, the more lasting before the less, and the forecast that goes with it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventToRecall, explain, type Question, type Recorded } from "../../../functions/domain/explain.ts";
import { forecast, forecastStart } from "../../../functions/domain/forecast.ts";
import type { Obstacle } from "../../../functions/domain/obstacle.ts";
import type { Workload } from "../../../functions/domain/workload.ts";
import type { explainRules } from "../../../schema/http/explain.ts";
import { ids, newWorkload, t0 } from "../../support/records.ts";

const now = t0 + 60_000;
const iso = (at: number) => new Date(at).toISOString();
const actor = { type: "user", id: "key_1" } as const;

const ask = (workload: Partial<Workload> = {}, rest: Partial<Question> = {}): Question => ({
  workload: { ...newWorkload(), ...workload },
  customer: { suspended: false, runningMax: 10, heldCount: 0 },
  outlook: { obstacle: null, isNext: false },
  ahead: 0,
  recorded: null,
  now,
  ...rest,
});
const ruleOf = (question: Question) => explain(question).rule;
const blockedBy = (obstacle: Obstacle) => ({ outlook: { obstacle, isNext: false } });
const atCap = { customer: { suspended: false, runningMax: 2, heldCount: 2 } };
const full: Obstacle = { kind: "no_slot", used: 4, slots: 4 };

describe("a workload that waits", () => {
  test("is told of the most lasting of all that keep it waiting", () => {
    const everything = { ...atCap, ...blockedBy({ kind: "pool_empty" }) };
    const later = { dueAt: now + 1 };
    expect(ruleOf(ask(later, { ...everything, customer: { ...atCap.customer, suspended: true } }))).toBe(
      "CUSTOMER_SUSPENDED",
    );
    expect(ruleOf(ask(later, everything))).toBe("NOT_DUE");
    expect(ruleOf(ask({}, everything))).toBe("POOL_EMPTY");
    expect(ruleOf(ask({}, { ...atCap, ...blockedBy(full) }))).toBe("CUSTOMER_CAP");
    expect(ruleOf(ask({}, blockedBy(full)))).toBe("NO_FREE_SLOT");
    expect(ruleOf(ask({}, { ahead: 3 }))).toBe("BEHIND_OTHERS");
    expect(ruleOf(ask({}, { ahead: 3, outlook: { obstacle: null, isNext: true } }))).toBe("BEING_PLACED");
    expect(ruleOf(ask())).toBe("BEING_PLACED");
  });

  test("is due at its very time", () => {
    expect(ruleOf(ask({ dueAt: now + 1 }))).toBe("NOT_DUE");
    expect(ruleOf(ask({ dueAt: now }))).toBe("BEING_PLACED");
  });

  test("after a failed try is told when the next is due, and of the error", () => {
    const error = { type: "ECONNRESET", message: "the connection was lost" };
    const recorded: Recorded = {
      eventType: "workload.retry_scheduled",
      generation: 1,
      actor,
      at: now - 5,
      details: { error },
    };
    const workload = { dueAt: now + 9, retryCount: 2 };
    expect(eventToRecall({ ...newWorkload(), ...workload })).toBe("workload.retry_scheduled");
    expect(explain(ask(workload, { recorded }))).toMatchObject({
      rule: "RETRY_BACKOFF",
      details: { due_at: iso(now + 9), retry: 2, error },
    });
  });

  test.for([
    [{ kind: "no_capability", workers: 2 }, "NO_CAPABLE_WORKER", "none of the 2 workers of pool default can run noop"],
    [{ kind: "hard_affinity", workerId: null, tags: { gpu: "yes" } }, "HARD_AFFINITY", "tag gpu=yes"],
    [{ kind: "anti_affinity", workloadTypes: ["sleep"], tags: {} }, "ANTI_AFFINITY", "type sleep is there"],
    [{ kind: "resources", wanted: { cpu_cores: 2 }, workers: 1 }, "RESOURCES", "none of the 1 workers"],
    [full, "NO_FREE_SLOT", "4 of 4 slots are taken"],
  ] as const)("is told what its pool lacks: %j", ([obstacle, rule, words]) => {
    const explained = explain(ask({}, blockedBy(obstacle)));
    expect(explained.rule).toBe(rule);
    expect(explained.message).toContain(words);
  });
});

describe("a workload that does not wait", () => {
  const workerId = ids.worker();

  test("is told of its worker", () => {
    expect(explain(ask({ status: "SCHEDULED", workerId, scheduledAt: now })).details).toMatchObject({
      worker_id: workerId,
    });
    const running = explain(ask({ status: "RUNNING", workerId, startedAt: now, progressPercent: 40 }));
    expect(running).toMatchObject({ rule: "RUNNING", details: { worker_id: workerId, progress_percent: 40 } });
  });

  test("is told what is to become of it as soon as its worker lets go", () => {
    const held = { status: "RUNNING", workerId, startedAt: now } as const;
    const pause = { kind: "pause", actor, reason: "the night", at: now } as const;
    const move = { kind: "move", actor, at: now, pool: "gpu", affinity: null } as const;
    expect(explain(ask({ ...held, intent: pause }))).toMatchObject({
      rule: "PAUSING",
      details: { actor_id: actor.id, reason: "the night" },
    });
    expect(explain(ask({ ...held, intent: move }))).toMatchObject({ rule: "MOVING", details: { pool: "gpu" } });
    const both = explain(ask({ ...held, intent: { ...pause, after: move } }));
    expect(both).toMatchObject({ rule: "PAUSING", details: { reason: "the night", pool: "gpu" } });
    expect(both.message).toContain("moved to pool gpu and paused");
  });

  test.for(["PAUSED", "CANCELLED"] as const)("is told by whom, when and why it is %s", (status) => {
    const recorded: Recorded = {
      eventType: "workload.paused",
      generation: 1,
      actor,
      at: now,
      details: { reason: "enough" },
    };
    expect(explain(ask({ status }, { recorded }))).toMatchObject({
      rule: status,
      details: { actor_type: "user", actor_id: actor.id, at: iso(now), reason: "enough" },
    });
  });

  test("is told of the error that ended it", () => {
    const error = { type: "Broken", message: "it broke" };
    const recorded: Recorded = { eventType: "workload.failed", generation: 1, actor, at: now, details: { error } };
    expect(explain(ask({ status: "FAILED", completedAt: now }, { recorded })).details).toMatchObject({ error });
    expect(ruleOf(ask({ status: "COMPLETED", completedAt: now }))).toBe("COMPLETED");
  });
});

describe("the forecast of a start", () => {
  const measured = { slotsFreedPerSecond: 2, overSeconds: 300 };
  const turn = { rule: "NO_FREE_SLOT", ahead: 9, isAtCap: false, dueAt: null } as const;
  const rate = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
  const slots = fc.integer({ min: 1, max: 10_000 });

  test("is when the slots of those before it and its own have come free", () => {
    expect(forecast(turn, measured, now)).toEqual({
      estimated_start_time: iso(now + 5_000),
      forecast: { slots_freed_per_second: 2, measured_over_seconds: 300 },
      forecast_reason: null,
    });
    expect(forecast({ ...turn, rule: "CUSTOMER_CAP", ahead: 0 }, measured, now).estimated_start_time).toBe(
      iso(now + 500),
    );
  });

  test("is now where a slot is free, whatever was measured", () => {
    for (const rule of ["BEHIND_OTHERS", "BEING_PLACED"] as const)
      expect(forecast({ ...turn, rule }, { ...measured, slotsFreedPerSecond: null }, now)).toEqual({
        ...{ estimated_start_time: iso(now), forecast: null, forecast_reason: null },
      });
  });

  test("of what is not due is never before its time, and waits for a slot where the cap is reached", () => {
    const later = { ...turn, rule: "NOT_DUE", ahead: 0, dueAt: now + 60_000 } as const;
    const nothing = { ...measured, slotsFreedPerSecond: null };
    const slow = { ...measured, slotsFreedPerSecond: 0.01 };
    expect(forecast(later, nothing, now).estimated_start_time).toBe(iso(now + 60_000));
    expect(forecast(later, measured, now).estimated_start_time).toBe(iso(now + 60_000));
    expect(forecast({ ...later, isAtCap: true }, slow, now).estimated_start_time).toBe(iso(now + 100_000));
    expect(forecast({ ...later, isAtCap: true }, nothing, now).forecast_reason).toBe("nothing_measured");
  });

  test("is not known where no end was measured, however many slots it takes", () => {
    fc.assert(fc.property(slots, (needed) => forecastStart(needed, null, now) === null));
  });

  test("is half as far away at twice the rate, and never before now", () => {
    fc.assert(
      fc.property(slots, rate, (needed, perSecond) => {
        const [slow, fast] = [perSecond, 2 * perSecond].map((one) => forecastStart(needed, one, 0) ?? -1);
        expect(Math.abs((slow ?? 0) - 2 * (fast ?? 0))).toBeLessThanOrEqual(2);
        expect(forecastStart(needed, perSecond, now)).toBeGreaterThanOrEqual(now);
      }),
    );
  });

  test("is none, with its reason, where nothing was measured or no rate speaks of it", () => {
    const reasonOf = (rule: (typeof explainRules)[number], slotsFreedPerSecond: number | null) =>
      forecast({ ...turn, rule }, { ...measured, slotsFreedPerSecond }, now).forecast_reason;
    expect(reasonOf("CUSTOMER_CAP", null)).toBe("nothing_measured");
    expect(reasonOf("POOL_EMPTY", 2)).toBe("waits_for_a_change");
    expect(reasonOf("RUNNING", 2)).toBe("not_waiting");
    expect(reasonOf("BEHIND_OTHERS", 2)).toBeNull();
  });
});
