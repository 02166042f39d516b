/** The lifecycle: every arrow of the specification and no other, whoever says what in whatever order. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldAll } from "../../../functions/coordinator/commit.ts";
import { move } from "../../../functions/domain/operation.ts";
import { deadlineOf, timeOut } from "../../../functions/domain/transition.ts";
import type { Change, Intent, Workload } from "../../../functions/domain/workload.ts";
import type { MemoryStore } from "../../../functions/store/memory/memory-store.ts";
import { createMemoryStore } from "../../../functions/store/memory/memory-store.ts";
import type { Lead } from "../../../functions/store/store.ts";
import { workerDeathsMaxDefault } from "../../../schema/limits.ts";
import { isHeld, isTerminal, type WorkloadStatus, workloadStatuses } from "../../../schema/status.ts";
import { tierLimits } from "../../../schema/tiers.ts";
import type { History } from "../../support/history.ts";
import { violations } from "../../support/invariants.ts";
import { wholeTrail } from "../../support/pages.ts";
import { auditEntry, groupOf, ids, newSubmission, newWorkload, t0 } from "../../support/records.ts";
import {
  arrows,
  askedFor,
  elsewhere,
  type HappeningName,
  happenings,
  lastChances,
  owner,
  riseOf,
  type Speaker,
} from "./lifecycle.ts";
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
    expect(change.next.generation).toBe(4 + riseOf(name, inStatus(status), change.next));
    expect(change.next.workerId !== null).toBe(isHeld(change.next.status));
  });

  test.for(lastChances)("%s ends it when nothing is left to try with", (name) => {
    const left = { retryCount: 3, deathCount: workerDeathsMaxDefault - 1 };
    expect(changeOf(name, inStatus("RUNNING", left))).toMatchObject({
      next: { status: "FAILED", retryCount: 3 },
      error: {},
    });
  });

  test.for(names.filter((name) => !askedFor.includes(name)))(
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

  const intent = { actor: owner, at: t0 } as const;
  const pausing: Intent = { ...intent, kind: "pause", reason: "for now" };
  const moving: Intent = { ...intent, kind: "move", pool: elsewhere, affinity: null };
  const typesOf = (change: Change | null) => change?.audit.map(({ eventType }) => eventType.replace("workload.", ""));

  test.for([
    ["paused", ["paused"], 5],
    ["handed back", ["handed_back", "paused"], 6],
    ["released", ["redistributed", "paused"], 6],
    ["worker lost", ["redistributed", "paused"], 5],
    ["failed for now", ["retry_scheduled", "paused"], 5],
    ["timed out", ["retry_scheduled", "paused"], 6],
  ] as const)("%s, of what is to pause, ends in the pause", ([name, types, generation]) => {
    const change = changeOf(name, inStatus("RUNNING", { intent: pausing, checkpointSequence: 3 }));
    expect(change?.next).toMatchObject({ status: "PAUSED", generation, intent: null, workerId: null });
    expect(typesOf(change)).toEqual(types);
    expect(change?.audit.at(-1)).toMatchObject({
      actor: owner,
      details: { reason: "for now", checkpoint_sequence: 3 },
    });
  });

  test.for([
    ["paused", ["paused", "moved", "resumed"], "PENDING"],
    ["handed back", ["handed_back", "moved"], "REDISTRIBUTING"],
    ["worker lost", ["redistributed", "moved"], "REDISTRIBUTING"],
    ["failed for now", ["retry_scheduled", "moved"], "PENDING"],
  ] as const)("%s, of what is to move, ends in the queue of the other pool", ([name, types, status]) => {
    const change = changeOf(name, inStatus("RUNNING", { intent: moving }));
    expect(change?.next).toMatchObject({ status, pool: elsewhere, intent: null, workerId: null });
    expect(typesOf(change)).toEqual(types);
  });

  test.for(["completed", "failed for good", "cancelled"] as const)("%s leaves nothing to be done later", (name) => {
    for (const one of [pausing, moving])
      expect(changeOf(name, inStatus("RUNNING", { intent: one }))?.next.intent).toBe(null);
  });

  test("what was asked last is what is done", () => {
    const pausedLast = changeOf("asked to pause", inStatus("RUNNING", { intent: moving }));
    expect(pausedLast?.next.intent).toMatchObject({ kind: "pause", after: { pool: elsewhere } });
    const movedLast = changeOf("asked to move", inStatus("RUNNING", { intent: pausing }));
    expect(movedLast?.next.intent).toMatchObject({ kind: "move", pool: elsewhere });
    expect(happenings["asked to resume"](inStatus("RUNNING", { intent: pausing }), speaker).kind).toBe("refused");
  });

  test.for([
    ["paused", ["paused", "moved"], 5],
    ["handed back", ["handed_back", "moved", "paused"], 6],
    ["released", ["redistributed", "moved", "paused"], 6],
    ["worker lost", ["redistributed", "moved", "paused"], 5],
    ["worker removed", ["redistributed", "moved", "paused"], 6],
    ["failed for now", ["retry_scheduled", "moved", "paused"], 5],
    ["timed out", ["retry_scheduled", "moved", "paused"], 6],
  ] as const)(
    "%s, of what is to move and then to pause, ends paused in the other pool",
    ([name, types, generation]) => {
      const mover = { type: "user", id: "key_2" } as const;
      const intent: Intent = { ...pausing, after: { ...moving, actor: mover } };
      const change = changeOf(name, inStatus("RUNNING", { intent }));
      expect(change?.next).toMatchObject({
        status: "PAUSED",
        pool: elsewhere,
        generation,
        intent: null,
        workerId: null,
      });
      expect(typesOf(change)).toEqual(types);
      const actorOf = (type: string) => change?.audit.find(({ eventType }) => eventType === type)?.actor;
      expect([actorOf("workload.moved"), actorOf("workload.paused")]).toEqual([mover, owner]);
    },
  );

  const open = workloadStatuses.filter((status) => !isTerminal(status));
  const after = (workload: Workload, ...asked: readonly HappeningName[]): Workload =>
    asked.reduce((now, name) => changeOf(name, now)?.next ?? now, workload);

  test.for(open)("a pause after a move, of what is %s, pauses it, and it goes on at the new place", (status) => {
    const asked = after(inStatus(status), "asked to move", "asked to pause");
    const stopped = status === "RUNNING" ? after(asked, "paused") : asked;
    expect(stopped).toMatchObject({ status: "PAUSED", pool: elsewhere, intent: null });
    expect(after(stopped, "asked to resume")).toMatchObject({ status: "PENDING", pool: elsewhere });
  });

  test.for(open)("a move after a pause, of what is %s, lets it go on at the new place", (status) => {
    const asked = after(inStatus(status), "asked to pause", "asked to move");
    const stopped = status === "RUNNING" ? after(asked, "paused") : asked;
    expect(stopped).toMatchObject({ status: "PENDING", pool: elsewhere, intent: null });
  });

  test("a move after a pause after a move keeps of the first what it does not name", () => {
    const affinity = { hard_affinity: { worker_tags: { zone: "a" } } };
    const running = inStatus("RUNNING", { intent: { ...pausing, after: moving } });
    expect(move(running, owner, { affinity }, moment)).toMatchObject({
      change: { next: { intent: { kind: "move", pool: elsewhere, affinity } } },
    });
  });

  test("what is resumed is due when it was due, unless that is over", () => {
    const later = inStatus("PAUSED", { dueAt: moment.now + 1 });
    expect(changeOf("asked to resume", later)?.next.dueAt).toBe(moment.now + 1);
    expect(changeOf("asked to resume", inStatus("PAUSED", { dueAt: moment.now }))?.next.dueAt).toBeNull();
  });

  test("a move without a difference changes nothing, and one that names only a part keeps the other", () => {
    const affinity = { hard_affinity: { worker_tags: { zone: "a" } } };
    const waiting = inStatus("PENDING", { affinity });
    const equal = { hard_affinity: { worker_tags: { zone: "a" } } };
    expect(move(waiting, owner, { pool: "default", affinity: equal }, moment).kind).toBe("duplicate");
    expect(move(waiting, owner, { affinity: null }, moment)).toMatchObject({
      change: { next: { pool: "default", affinity: null, generation: 4 } },
    });
    const running = inStatus("RUNNING", { affinity, intent: moving });
    expect(move(running, owner, { affinity }, moment)).toMatchObject({
      change: { next: { intent: { pool: elsewhere, affinity } } },
    });
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
      { name: "asked to pause", by: 1, age: 0, random: 0 },
      { name: "asked to move", by: 1, age: 0, random: 0 },
      { name: "asked to resume", by: 1, age: 0, random: 0 },
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
    const isOld = by.generation < workload.generation && !askedFor.includes(one.name);
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
          expect(next.generation - before.generation).toBe(riseOf(name, before, next));
          expect(next.intent === null || next.status === "RUNNING").toBe(true);
          if (before.intent !== null && !isHeld(next.status)) expectCarriedOut(before, next);
          expect(next.workerId !== null).toBe(isHeld(next.status));
          expect(next.completedAt !== null).toBe(isTerminal(next.status));
          expect(next.retryCount).toBeLessThanOrEqual(maxRetries);
          expect(next.deathCount >= workerDeathsMaxDefault).toBe(next.status === "FAILED" && endsByDeath(next, name));
          expect(next.checkpointSequence).toBeGreaterThanOrEqual(before.checkpointSequence);
        });
      }),
    );
  });

  test("has an audit trail that adds up to what it is, arrow by arrow (I9, I26)", () => {
    fc.assert(
      fc.property(life, fc.integer({ min: 0, max: 3 }), (steps, maxRetries) => {
        const first = newWorkload({ policy: { ...newWorkload().policy, maxRetries } });
        const changes: Change[] = [];
        const last = live(first, steps, (before, change) => {
          if (change.next.status !== before.status) expect(change.audit.length).toBeGreaterThanOrEqual(1);
          changes.push(change);
        });
        expect(violations(historyOf(last, changes))).toEqual([]);
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

/** As Postgres would tell it; checkpoints are another matter. */
function historyOf(workload: Workload, changes: readonly Change[]): History {
  const entries = [auditEntry("workload.created"), ...changes.flatMap(({ audit }) => audit)];
  const { workloadId: id, status, generation, workerId, retryCount, deathCount, checkpointSequence, policy } = workload;
  return {
    ...{ id, status, generation, workerId, retryCount, deathCount, checkpointSequence },
    maxRetries: policy.maxRetries,
    hasResult: status === "COMPLETED",
    hasCompletedAt: workload.completedAt !== null,
    events: entries.map(({ eventType: type, actor, generation: at, details }) => ({
      ...{ type, actorType: actor.type, actorId: actor.id, generation: at },
      details: Object.fromEntries(Object.entries(details ?? {})),
    })),
    checkpoints: checkpointSequence === 0 ? [] : [{ sequence: checkpointSequence, generation: 1, isWhole: true }],
  };
}

/** What was asked of it while it ran has come about, unless it has ended. */
function expectCarriedOut({ intent }: Workload, next: Workload): void {
  if (isTerminal(next.status)) return;
  if (intent?.kind === "pause") {
    expect(next.status).toBe("PAUSED");
    if (intent.after !== undefined) expect(next.pool).toBe(elsewhere);
  } else expect(next).toMatchObject({ pool: elsewhere, status: expect.stringMatching(/PENDING|REDISTRIBUTING/) });
}

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
  const audit = await wholeTrail(store, lead.customerId, id);
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
