/** The lifecycle: every arrow of the specification and no other, whoever says what in whatever order. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldAll } from "../../../functions/coordinator/commit.ts";
import { deadlineOf, timeOut } from "../../../functions/domain/transition.ts";
import type { Change, Workload } from "../../../functions/domain/workload.ts";
import type { MemoryStore } from "../../../functions/store/memory/memory-store.ts";
import { createMemoryStore } from "../../../functions/store/memory/memory-store.ts";
import type { Lead } from "../../../functions/store/store.ts";
import { workerDeathsMaxDefault } from "../../../schema/limits.ts";
import { isHeld, isTerminal, type WorkloadStatus, workloadStatuses } from "../../../schema/status.ts";
import { tierLimits } from "../../../schema/tiers.ts";
import { groupOf, ids, newSubmission, newWorkload, t0 } from "../../support/records.ts";
import { arrows, type HappeningName, happenings, lastChances, raising, type Speaker } from "./lifecycle.ts";
import { workerId } from "./pool-builder.ts";

const names = Object.keys(happenings).filter((name): name is HappeningName => name in happenings);
const holder = workerId(1);
const moment = { now: t0 + 60_000, random: 0.5 };
const speaker: Speaker = { workerId: holder, generation: 4, moment };

const inStatus = (status: WorkloadStatus, chosen: Partial<Workload> = {}): Workload =>
  newWorkload({
    status,
    generation: 4,
    workerId: isHeld(status) ? holder : null,
    lastWorkerId: isHeld(status) ? null : holder,
    completedAt: isTerminal(status) ? t0 : null,
    ...chosen,
  });

const changeOf = (name: HappeningName, workload: Workload, by: Speaker = speaker): Change | null => {
  const decision = happenings[name](workload, by);
  return decision.kind === "change" ? decision.change : null;
};

const pairs = names.flatMap((name) => workloadStatuses.map((status) => [name, status] as const));

describe("every event in every status", () => {
  test.for(pairs)("%s, when it is %s, follows the table and nothing else (I9)", ([name, status]) => {
    const change = changeOf(name, inStatus(status));
    expect(change?.next.status).toBe(arrows[name][status]);
    if (change === null) return;
    expect(change.from).toEqual({ generation: 4, status });
    expect(change.next.generation).toBe(raising.has(name) ? 5 : 4);
    expect(change.next.workerId !== null).toBe(isHeld(change.next.status));
  });

  test.for(lastChances)("%s ends it when nothing is left to try with", (name) => {
    const left = { retryCount: 3, deathCount: workerDeathsMaxDefault - 1 };
    expect(changeOf(name, inStatus("RUNNING", left))).toMatchObject({
      next: { status: "FAILED", retryCount: 3 },
      error: {},
    });
  });

  test.for(names.filter((name) => name !== "placed" && name !== "cancelled" && name !== "timed out"))(
    "%s of another worker, or of a generation that is over, changes nothing (I1, I3)",
    (name) => {
      for (const status of workloadStatuses) {
        const older = happenings[name](inStatus(status), { ...speaker, generation: 3 });
        expect(["fenced", "duplicate"]).toContain(older.kind);
        const other = happenings[name](inStatus(status), { ...speaker, workerId: workerId(2) });
        expect(other.kind).not.toBe("change");
      }
    },
  );

  test("a generation that was never granted is refused, and not taken for a newer one", () => {
    const decision = happenings.completed(inStatus("RUNNING"), { ...speaker, generation: 5 });
    expect(decision.kind).toBe("refused");
  });

  test("a workload that is not due is not placed (I15)", () => {
    const decision = happenings.placed(inStatus("PENDING", { dueAt: moment.now + 1 }), speaker);
    expect(decision).toEqual({ kind: "refused", reason: "is not due" });
    expect(changeOf("placed", inStatus("PENDING", { dueAt: moment.now }))?.next.status).toBe("SCHEDULED");
  });

  test("progress is audited at the steps of ten percent, and not between them", () => {
    const audited = (from: number) =>
      changeOf("progress", inStatus("RUNNING", { progressPercent: from }))?.audit.length;
    expect([audited(39.9), audited(50), audited(55)]).toEqual([1, 0, 0]);
  });

  test("a checkpoint older than the last changes nothing (I16)", () => {
    expect(happenings.checkpoint(inStatus("RUNNING", { checkpointSequence: 1 }), speaker).kind).toBe("duplicate");
  });

  test("a deadline counts from the start, with a grace for the worker to end it by itself", () => {
    const policy = { ...inStatus("RUNNING").policy, timeoutSeconds: 10 };
    expect(deadlineOf(inStatus("RUNNING", { policy, startedAt: t0 }), 5)).toBe(t0 + 15_000);
    expect(deadlineOf(inStatus("SCHEDULED", { policy, startedAt: null }), 5)).toBeNull();
    expect(deadlineOf(inStatus("RUNNING", { startedAt: t0 }), 5)).toBeNull();
    expect(timeOut(inStatus("SCHEDULED"), moment).kind).toBe("duplicate");
  });
});

interface Step {
  readonly name: HappeningName;
  readonly by: number;
  /** How many generations ago it was true. */
  readonly age: number;
  readonly random: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  name: fc.constantFrom(...names),
  by: fc.integer({ min: 1, max: 3 }),
  age: fc.constantFrom(0, 0, 0, 0, 1, 2),
  random: fc.double({ min: 0, max: 0.999, noNaN: true }),
});
/** Mostly what is likely to work, so that long lives come about. */
const life = fc.array(
  fc.oneof(
    step,
    fc.constantFrom<Step[]>(
      { name: "placed", by: 1, age: 0, random: 0 },
      { name: "started", by: 1, age: 0, random: 0 },
      { name: "worker lost", by: 1, age: 0, random: 0 },
      { name: "failed for now", by: 1, age: 0, random: 0 },
    ),
  ),
  { maxLength: 60 },
);

const speakerOf = (workload: Workload, { by, age, random }: Step, now: number): Speaker => ({
  workerId: workerId(by),
  generation: Math.max(1, workload.generation - age),
  moment: { now, random },
});

/** Each step an hour later, so that whatever was put off is due. */
function live(first: Workload, steps: readonly Step[], see: (before: Workload, change: Change, step: Step) => void) {
  let workload = first;
  for (const [index, one] of steps.entries()) {
    const by = speakerOf(workload, one, t0 + index * 3_600_000);
    const decision = happenings[one.name](workload, by);
    const isOld = by.generation < workload.generation && !["placed", "cancelled", "timed out"].includes(one.name);
    if (isOld) expect(decision.kind).not.toBe("change");
    if (decision.kind !== "change") continue;
    see(workload, decision.change, one);
    expectNoEcho(decision.change.next, one, by);
    workload = decision.change.next;
  }
  return workload;
}

/** The same once more is no change, or one that changes nothing. */
function expectNoEcho(workload: Workload, { name }: Step, by: Speaker): void {
  const again = changeOf(name, workload, by);
  if (again !== null) expect({ next: again.next, audit: again.audit }).toEqual({ next: workload, audit: [] });
}

describe("any life of a workload", () => {
  test("keeps its generation from falling, its counts in their bounds, and its end for good (I2, I4, I10, I12, I14)", () => {
    fc.assert(
      fc.property(life, fc.integer({ min: 0, max: 3 }), (steps, maxRetries) => {
        const first = newWorkload({ policy: { ...newWorkload().policy, maxRetries } });
        live(first, steps, (before, { next }, { name }) => {
          expect(isTerminal(before.status)).toBe(false);
          expect([before.generation, before.generation + 1]).toContain(next.generation);
          expect(next.generation > before.generation).toBe(raising.has(name) || endsByDeath(next, name));
          expect(next.workerId !== null).toBe(isHeld(next.status));
          expect(next.completedAt !== null).toBe(isTerminal(next.status));
          expect(next.retryCount).toBeLessThanOrEqual(maxRetries);
          expect(next.deathCount >= workerDeathsMaxDefault).toBe(next.status === "FAILED" && endsByDeath(next, name));
          expect(next.checkpointSequence).toBeGreaterThanOrEqual(before.checkpointSequence);
        });
      }),
    );
  });

  test("has one audit entry for each arrow, under the generation that the arrow led to (I26)", () => {
    fc.assert(
      fc.property(life, (steps) => {
        live(newWorkload(), steps, (before, change) => {
          const types = change.audit.map(({ eventType }) => eventType);
          const isTwoArrows = before.status === "SCHEDULED" && types[0] === "workload.started" && types.length > 1;
          if (change.next.status !== before.status) expect(types.length).toBeGreaterThanOrEqual(1);
          expect(types.length).toBeLessThanOrEqual(isTwoArrows ? 2 : 1);
          if (types.length > 0) expect(change.audit.at(-1)?.generation).toBe(change.next.generation);
          if (isTwoArrows) expect(change.audit[0]?.generation).toBe(before.generation);
        });
      }),
    );
  });

  test("is the same whether its steps are written one by one or folded into one", async () => {
    await fc.assert(
      fc.asyncProperty(life, async (steps) => {
        const changes: Change[] = [];
        const submission = newSubmission();
        const plain = steps.filter(({ name }) => name !== "checkpoint");
        live(submission.workload, plain, (_, change) => changes.push(change));
        const one = await written(
          submission,
          changes.map((change) => [change]),
        );
        expect(await written(submission, changes.length === 0 ? [] : [foldAll(changes)])).toEqual(one);
      }),
      { numRuns: 50 },
    );
  });
});

const endsByDeath = (next: Workload, name: HappeningName) => next.status === "FAILED" && name === "worker lost";

async function written(submission: ReturnType<typeof newSubmission>, batches: readonly (readonly Change[])[]) {
  const store = createMemoryStore();
  const lead = await leadOf(store);
  await store.insert(lead, [groupOf([submission])], t0);
  for (const batch of batches) {
    const applied = await store.apply(lead, batch, [], t0);
    expect(applied).toMatchObject({ kind: "written", value: { missed: [] } });
  }
  const id = submission.workload.workloadId;
  const { customer_id: _, ...view } = { ...(await store.workload(lead.customerId, id)), customer_id: null };
  const audit = await store.audit(lead.customerId, id);
  return { view, audit: audit?.map(({ event_id: __, ...event }) => event) };
}

async function leadOf(store: MemoryStore): Promise<Lead> {
  const customerId = ids.customer();
  const customer = { customerId, tier: "free" as const, limits: tierLimits.free, suspended: false, types: new Map() };
  store.putCustomer(customer);
  const state = await store.lead(customerId, 1, t0);
  if (state === null) throw new Error("the customer that was just made is not there");
  return state.lead;
}
