/** Operations: pause, resume, move and retry, one or many, once under one key, and within the customer's limits. */
import { describe, expect, test } from "vitest";
import type { Action } from "../../../functions/coordinator/gateway.ts";
import type { WorkloadId } from "../../../schema/ids.ts";
import { inputBytesMax, retryBytesMax, stopAgainSeconds } from "../../../schema/limits.ts";
import { ids } from "../../support/records.ts";
import { eventOf, type RecordingPool, World } from "./world.ts";

const pause: Action = { kind: "pause", reason: "for now" };
const resume: Action = { kind: "resume" };
const toOther: Action = { kind: "move", pool: "other" };
const retry: Action = { kind: "retry", fromCheckpoint: true };
const cancel: Action = { kind: "cancel", reason: null };

async function running(world: World): Promise<WorkloadId> {
  const [id] = await world.submitPlaced(1);
  if (id === undefined) throw new Error("nothing was placed");
  await world.report(eventOf(id, { kind: "started" }));
  return id;
}

async function failed(world: World): Promise<WorkloadId> {
  const id = await running(world);
  const error = { kind: "permanent" as const, type: "Broken", message: "for good" };
  await world.report(eventOf(id, { kind: "failed", error }));
  return id;
}

const waitingIn = ({ last }: RecordingPool) => last.demand.items.map(({ workloadId }) => workloadId);
const stopsOf = ({ last }: RecordingPool) => last.stops.map(({ why, generation }) => [why, generation]);

describe("pausing", () => {
  test("takes what waits out of the demand at once", async () => {
    const world = new World();
    const id = await world.submitOne();
    expect(await world.act(pause, id)).toEqual(["done"]);
    await world.settled();
    expect(await world.row(id)).toMatchObject({ status: "PAUSED", generation: 1 });
    expect(world.pool.last).toMatchObject({ demand: { items: [], active: false } });
    expect(await world.act(pause, id)).toEqual(["unchanged"]);
    expect(await world.events(id)).toEqual(["created", "paused"]);
  });

  test("fences an assignment that has not begun", async () => {
    const world = new World();
    const [id] = await world.submitPlaced(1);
    if (id === undefined) throw new Error("nothing was placed");
    expect(await world.act(pause, id)).toEqual(["done"]);
    await world.settled();
    expect(stopsOf(world.pool)).toEqual([["fenced", 1]]);
    expect(await world.row(id)).toMatchObject({ status: "PAUSED", workerId: null, generation: 2 });
  });

  test("asks the worker of what runs, again and again, until it lets go", async () => {
    const world = new World();
    const id = await running(world);
    expect(await world.act(pause, id)).toEqual(["pending"]);
    expect(await world.act(pause, id)).toEqual(["pending"]);
    await world.settled();
    expect(stopsOf(world.pool)).toEqual([["paused", 1]]);
    expect(world.wakes.at(-1)).toBe(world.now + stopAgainSeconds * 1_000);
    await world.keepTime();
    await world.settled();
    expect(stopsOf(world.pool)).toEqual([["paused", 1]]);
    expect(world.wakes.at(-1)).toBe(world.now + stopAgainSeconds * 1_000);
    expect(await world.report(eventOf(id, { kind: "paused" }))).toEqual(["committed"]);
    expect(await world.row(id)).toMatchObject({ status: "PAUSED", intent: null, generation: 2 });
    expect((await world.session()).book.heldCount).toBe(0);
    const told = world.pool.updates.length;
    await world.keepTime();
    await world.settled();
    expect(world.pool.updates.slice(told).flatMap(({ stops }) => stops)).toEqual([]);
  });

  test("is remembered by the next leader, and by the loss of the worker", async () => {
    const world = new World();
    const id = await running(world);
    await world.act(pause, id);
    await world.forget();
    await world.keepTime();
    await world.settled();
    expect(stopsOf(world.pool)).toEqual([["paused", 1]]);
    const loss = { workloadId: id, generation: 1, workerId: world.pool.workerId, why: "worker_lost" as const };
    await world.exchange({ losses: [loss] });
    expect(await world.row(id)).toMatchObject({ status: "PAUSED", deathCount: 1 });
    await world.exchange({ placements: [{ workloadId: id, workerId: world.pool.workerId }] });
    expect((await world.row(id)).status).toBe("PAUSED");
  });

  test("of an attempt that runs too long ends in the pause, not in the queue", async () => {
    const world = new World({}, { timeoutSeconds: 1 });
    const id = await running(world);
    await world.act(pause, id);
    world.now += 60_000;
    await world.keepTime();
    expect(await world.row(id)).toMatchObject({ status: "PAUSED", retryCount: 1 });
  });

  test("nobody asked for is work handed back", async () => {
    const world = new World();
    const id = await running(world);
    expect(await world.report(eventOf(id, { kind: "paused" }))).toEqual(["committed"]);
    expect(await world.row(id)).toMatchObject({ status: "REDISTRIBUTING", generation: 2 });
  });
});

describe("resuming", () => {
  test("brings it back into the queue, and the pool knows of the customer before that is written", async () => {
    const world = new World();
    const id = await world.submitOne();
    await world.act(pause, id);
    await world.settled();
    const asked = world.pool.asked.length;
    world.weather = "away";
    await world.act(resume, id);
    expect(world.pool.asked.slice(asked)).toMatchObject([{ items: [] }]);
    world.weather = "fine";
    expect(await world.act(resume, id)).toEqual(["done"]);
    await world.settled();
    expect(waitingIn(world.pool)).toEqual([id]);
    expect(await world.act(resume, id)).toEqual(["wrong_state"]);
  });

  test("needs a place in the queue, and no token", async () => {
    const world = new World({ queueDepthMax: 2, submitsPerSecond: 1, submitBurst: 4 });
    const [one, two] = await world.submitAll(2);
    if (one === undefined || two === undefined) throw new Error("nothing was submitted");
    await world.act(pause, one, two);
    await world.submitAll(2);
    expect(await world.act(resume, one)).toEqual(["queue_full"]);
    await world.operate({ targets: { filter: { statuses: ["PENDING"] }, max: 1 } });
    expect(await world.act(resume, one, two)).toEqual(["done", "queue_full"]);
    expect((await world.session()).book.queuedCount).toBe(2);
  });

  test("and submissions that come at once fill the queue to its depth and no further", async () => {
    const world = new World({ queueDepthMax: 10 });
    const paused = await world.submitAll(10);
    await world.act(pause, ...paused);
    const [resumed, ...submitted] = await Promise.all([
      world.act(resume, ...paused),
      ...Array.from({ length: 10 }, () => world.submit([{}])),
    ]);
    const taken = submitted.filter(({ ok }) => ok).length + resumed.filter((outcome) => outcome === "done").length;
    expect(taken).toBe(10);
    expect((await world.session()).book.queuedCount).toBe(10);
  });

  test("takes its place before it is written: a submission that comes meanwhile finds the queue full", async () => {
    const world = new World({ queueDepthMax: 1 });
    const id = await world.submitOne();
    await world.act(pause, id);
    await world.settled();
    const place = world.pool.place.bind(world.pool);
    const meanwhile: ReturnType<World["submit"]>[] = [];
    world.pool.place = async (request) => {
      meanwhile.push(world.submit([{}]));
      await new Promise(setImmediate);
      return place(request);
    };
    expect(await world.act(resume, id)).toEqual(["done"]);
    expect(await Promise.all(meanwhile)).toMatchObject([{ ok: false, refusal: { kind: "queue_full" } }]);
    expect((await world.session()).book.queuedCount).toBe(1);
  });
});

describe("moving", () => {
  test("takes what waits from one pool to the other", async () => {
    const world = new World();
    const id = await world.submitOne();
    expect(await world.act(toOther, id)).toEqual(["done"]);
    await world.settled();
    expect([waitingIn(world.pool), waitingIn(world.other)]).toEqual([[], [id]]);
    expect(world.pool.last.demand.active).toBe(false);
    expect(world.other.asked).toMatchObject([{ items: [] }]);
    const placements = [{ workloadId: id, workerId: world.pool.workerId }];
    expect(await world.exchange({ placements })).toMatchObject({ value: { update: { unused: [id] } } });
    expect(await world.exchange({ pool: "other", placements })).toMatchObject({ value: { update: { unused: [] } } });
    expect(await world.row(id)).toMatchObject({ status: "SCHEDULED", pool: "other" });
    expect((await world.session()).book.heldIn("other")).toBe(1);
  });

  test("to other workers leaves a slot unused that was given by the rules before", async () => {
    const world = new World();
    const id = await world.submitOne();
    const affinity = { hard_affinity: { worker_tags: { zone: "a" } } };
    await world.act({ kind: "move", affinity }, id);
    const placement = { workloadId: id, workerId: world.pool.workerId };
    expect(await world.exchange({ placements: [placement] })).toMatchObject({ value: { update: { unused: [id] } } });
    await world.exchange({ placements: [{ ...placement, affinity }] });
    expect((await world.row(id)).status).toBe("SCHEDULED");
  });

  test("what runs is paused, moved and resumed in one, and both pools hear of it", async () => {
    const world = new World();
    const id = await running(world);
    expect(await world.act(toOther, id)).toEqual(["pending"]);
    await world.settled();
    expect(stopsOf(world.pool)).toEqual([["paused", 1]]);
    await world.report(eventOf(id, { kind: "paused" }));
    await world.settled();
    expect(await world.row(id)).toMatchObject({ status: "PENDING", pool: "other", generation: 2, intent: null });
    expect(await world.events(id)).toEqual(["created", "scheduled", "started", "paused", "moved", "resumed"]);
    expect(waitingIn(world.other)).toEqual([id]);
    expect((await world.session()).book.heldIn("default")).toBe(0);
  });

  test("takes back an assignment that has not begun, and goes on with what is paused", async () => {
    const world = new World();
    const [held] = await world.submitPlaced(1);
    const paused = await world.submitOne();
    if (held === undefined) throw new Error("nothing was placed");
    await world.act(pause, paused);
    expect(await world.act(toOther, held, paused)).toEqual(["done", "done"]);
    await world.settled();
    expect(stopsOf(world.pool)).toEqual([["fenced", 1]]);
    expect(waitingIn(world.other)).toEqual([held, paused]);
  });

  test("to a pool that is not there is refused as a whole", async () => {
    const world = new World();
    const id = await world.submitOne();
    expect(await world.act({ kind: "move", pool: "nowhere" }, id)).toEqual(["unknown_pool"]);
  });
});

describe("a retry", () => {
  test("is a new workload, through the normal queue, and the old one stays", async () => {
    const world = new World();
    const id = await failed(world);
    const before = await world.row(id);
    const result = await world.operate({ action: retry, targets: { ids: [id] } });
    if (!result.ok) throw new Error("refused");
    const [operation] = result.value.operations;
    const retryId = operation?.outcome === "done" ? operation.retryId : undefined;
    if (retryId === undefined) throw new Error("there is no new workload");
    await world.settled();
    expect(operation).toEqual({ workloadId: id, outcome: "done", status: "FAILED", generation: 1, retryId });
    expect(await world.row(id)).toEqual(before);
    expect(await world.row(retryId)).toMatchObject({
      status: "PENDING",
      generation: 0,
      retryCount: 0,
      pool: "default",
    });
    expect(waitingIn(world.pool)).toEqual([retryId]);
  });

  test("of what has not failed is refused, and so is one of what is not there", async () => {
    const world = new World();
    const id = await world.submitOne();
    expect(await world.act(retry, id, ids.workload())).toEqual(["wrong_state", "unknown_workload"]);
  });

  test("costs a token and a place each, in order, and what has no room is refused for itself", async () => {
    const world = new World({ submitsPerSecond: 1, submitBurst: 5, queueDepthMax: 50 });
    const all = await world.submitAll(5);
    await world.act(cancel, ...all);
    world.now += 3_000;
    expect(await world.act(retry, ...all)).toEqual(["done", "done", "done", "rate_limited", "rate_limited"]);
    expect(await world.act(retry, ...all)).toEqual(["rate_limited"]);
    expect((await world.session()).book.queuedCount).toBe(3);
  });

  test("by filter takes each failed workload once", async () => {
    const world = new World();
    await failed(world);
    const request = { action: retry, targets: { filter: { statuses: ["FAILED"] as const }, max: 10 } };
    expect(await world.operate(request)).toMatchObject({ value: { operations: [{ outcome: "done" }] } });
    expect(await world.operate(request)).toEqual({ ok: true, value: { operations: [], hasMore: false } });
  });

  test("by filter passes over what can never be retried, so that asking again comes to an end", async () => {
    const world = new World();
    const old = await failed(world);
    const [gone] = await world.submitAll(1, { workload_type: "sleep" });
    const elsewhere = await world.submitOne({ pool: "other" });
    if (gone === undefined) throw new Error("nothing was submitted");
    await world.act(cancel, gone, elsewhere);
    world.memory.putCustomer(world.customer({}, {}, false, ["noop"]));
    Object.assign(world.deps, { poolNames: ["default"] });
    await world.forget();
    const request = { action: retry, targets: { filter: { statuses: ["FAILED", "CANCELLED"] as const }, max: 1 } };
    expect(await world.operate(request)).toMatchObject({
      value: { operations: [{ workloadId: old, outcome: "done" }], hasMore: false },
    });
    expect(await world.act(retry, gone, elsewhere)).toEqual(["unknown_workload_type", "unknown_pool"]);
  });

  test("takes as many bytes of inputs at once as a group commit does, and the rest is for another", async () => {
    const world = new World();
    const each = inputBytesMax - 100;
    const fitting = Math.floor(retryBytesMax / each);
    const all = await world.submitAll(fitting + 2, { input_params: "x".repeat(each - 2) });
    await world.act(cancel, ...all);
    const outcomes = await world.act(retry, ...all);
    expect(outcomes).toEqual([...all.slice(2).map(() => "done"), "retry_too_large", "retry_too_large"]);
    const request = { action: retry, targets: { filter: { statuses: ["CANCELLED"] as const }, max: 1_000 } };
    const rest = await world.operate(request);
    expect(rest).toMatchObject({ value: { operations: [{ outcome: "done" }, { outcome: "done" }], hasMore: false } });
  });

  test("by filter says that there are more when the bytes of their inputs are too many", async () => {
    const world = new World();
    const each = inputBytesMax - 100;
    const fitting = Math.floor(retryBytesMax / each);
    await world.act(cancel, ...(await world.submitAll(fitting + 2, { input_params: "x".repeat(each - 2) })));
    const request = { action: retry, targets: { filter: { statuses: ["CANCELLED"] as const }, max: 1_000 } };
    const counts = [];
    for (let hasMore = true; hasMore; ) {
      const result = await world.operate(request);
      if (!result.ok) throw new Error("refused");
      counts.push(result.value.operations.filter(({ outcome }) => outcome === "done").length);
      hasMore = result.value.hasMore;
    }
    expect(counts).toEqual([fitting, 2]);
  });
});

describe("a batch", () => {
  test("is one write, however many it is about, and answers each", async () => {
    const world = new World();
    const [one, two] = await world.submitAll(2);
    if (one === undefined || two === undefined) throw new Error("nothing was submitted");
    expect(await world.act(cancel, one, ids.workload(), two)).toEqual(["done", "unknown_workload", "done"]);
    expect(world.applies).toEqual([2]);
  });

  test("by filter takes the newest, says whether there are more, and leaves out what it can do nothing about", async () => {
    const world = new World();
    const all = await world.submitAll(5, { labels: { team: "a" } });
    await world.submitOne();
    const targets = { filter: { labels: ["team:a"] }, max: 3 };
    expect(await world.operate({ targets })).toMatchObject({ value: { hasMore: true, operations: [{}, {}, {}] } });
    const rest = await world.operate({ targets });
    expect(rest).toMatchObject({ value: { hasMore: false } });
    const named = rest.ok ? rest.value.operations.map(({ workloadId }) => workloadId) : [];
    expect(named.sort()).toEqual(all.slice(0, 2).sort());
    const ended = await world.operate({ targets: { filter: { statuses: ["CANCELLED"] }, max: 3 } });
    expect(ended).toEqual({ ok: true, value: { operations: [], hasMore: false } });
  });
});

describe("an idempotency key", () => {
  const keyed = (action: Action, id: WorkloadId, bodySha256 = "a") => ({
    action,
    targets: { ids: [id] },
    idempotency: { key: "k", bodySha256 },
  });

  test("answers the same request again, and does nothing twice, also when two come at once", async () => {
    const world = new World();
    const id = await failed(world);
    const request = keyed(retry, id);
    const [first, second] = await Promise.all([world.operate(request), world.operate(request)]);
    expect(first).toEqual(second);
    await world.forget();
    expect(await world.operate(request)).toEqual(first);
    expect((await world.rows()).length).toBe(2);
  });

  test("answers what was written although its answer was lost", async () => {
    const world = new World();
    const id = await world.submitOne();
    await world.operate(keyed(pause, id));
    world.weather = "lost";
    const request = { ...keyed(resume, id), idempotency: { key: "r", bodySha256: "a" } };
    expect(await world.operate(request)).toMatchObject({ ok: false, refusal: { kind: "unavailable" } });
    world.weather = "fine";
    expect(await world.operate(request)).toMatchObject({
      value: { operations: [{ outcome: "done", status: "PENDING" }] },
    });
    expect(await world.events(id)).toEqual(["created", "paused", "resumed"]);
  });

  test("that came with another request is refused, whether it was an operation or a submission", async () => {
    const world = new World();
    const id = await world.submitOne();
    await world.operate(keyed(pause, id));
    expect(await world.operate(keyed(resume, id, "b"))).toMatchObject({ refusal: { kind: "idempotency_conflict" } });
    expect(await world.submit([{}], "k", "c")).toMatchObject({ refusal: { kind: "idempotency_conflict" } });
    await world.submit([{}], "s", "a");
    const taken = { ...keyed(cancel, id), idempotency: { key: "s", bodySha256: "b" } };
    expect(await world.operate(taken)).toMatchObject({ refusal: { kind: "idempotency_conflict" } });
  });

  test("is not used up by what was refused", async () => {
    const world = new World();
    const id = await world.submitOne();
    expect(await world.operate(keyed(resume, id))).toMatchObject({ value: { operations: [{ outcome: "refused" }] } });
    await world.act(pause, id);
    expect(await world.operate(keyed(resume, id))).toMatchObject({ value: { operations: [{ outcome: "done" }] } });
  });
});

describe("a customer that is suspended", () => {
  test("has nothing done, and nothing started; what runs goes on and reports", async () => {
    const world = new World();
    const id = await running(world);
    const waiting = await world.submitOne();
    world.memory.putCustomer(world.customer({}, {}, true));
    await world.forget();
    expect(await world.act(pause, id)).toEqual(["customer_suspended"]);
    const placed = await world.exchange({ placements: [{ workloadId: waiting, workerId: world.pool.workerId }] });
    expect(placed).toMatchObject({ value: { update: { unused: [waiting], share: { runningMax: 0 } } } });
    expect(await world.report(eventOf(id, { kind: "completed", result: null }))).toEqual(["committed"]);
  });
});

describe("waiting for a slot to be free", () => {
  test("ends with the step that frees it", async () => {
    const world = new World();
    const id = await running(world);
    await world.act(pause, id);
    const status = world.statusWhenFreed(id, 60_000);
    await world.report(eventOf(id, { kind: "paused" }));
    expect(await status).toEqual({ ok: true, value: "PAUSED" });
  });

  test("goes on in the next session, and ends after its time", async () => {
    const world = new World();
    const id = await running(world);
    await world.act(pause, id);
    const status = world.statusWhenFreed(id, 60_000);
    await world.forget();
    await world.report(eventOf(id, { kind: "completed", result: null }));
    expect(await status).toEqual({ ok: true, value: "COMPLETED" });
    const held = await running(world);
    await world.act(pause, held);
    expect(await world.statusWhenFreed(held, 1)).toEqual({ ok: true, value: "RUNNING" });
    expect(await world.statusWhenFreed(ids.workload(), 1)).toEqual({ ok: true, value: null });
  });

  test("is over at once for what runs again, or for other reasons: nobody is to let go of it", async () => {
    const world = new World();
    const id = await running(world);
    expect(await world.statusWhenFreed(id, 60_000)).toEqual({ ok: true, value: "RUNNING" });
  });
});
