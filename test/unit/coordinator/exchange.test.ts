/** What a pool brings is decided in order, written at once, and answered report by report. */
import { describe, expect, test } from "vitest";
import type { WorkloadId } from "../../../schema/ids.ts";
import {
  checkpointStepMax,
  exchangeDispatchBytesMax,
  inputBytesMax,
  queueWindowLow,
  queueWindowMax,
  sequenceMax,
} from "../../../schema/limits.ts";
import { ids, inlineCheckpoint } from "../../support/records.ts";
import { eventOf, World } from "./world.ts";

const completed = { kind: "completed", result: { ok: true } } as const;
const started = { kind: "started" } as const;
const transient = { kind: "failed", error: { kind: "transient", type: "Flaky", message: "once" } } as const;
const line = { line: 1, timestamp: "2030-01-01T00:00:00Z", level: "info", message: "a line" } as const;

async function placed(world: World): Promise<WorkloadId> {
  const [id] = await world.submitPlaced(1);
  if (id === undefined) throw new Error("nothing was placed");
  return id;
}

const onWorker = (world: World, ids: readonly WorkloadId[]) =>
  ids.map((workloadId) => ({ workloadId, workerId: world.pool.workerId }));

describe("reports", () => {
  test("of one workload that come together are one change, with all their audit events", async () => {
    const world = new World();
    const id = await placed(world);
    const outcomes = await world.report(
      eventOf(id, started),
      eventOf(id, { kind: "progress", percent: 50, message: "half" }),
      eventOf(id, { kind: "checkpoint", checkpoint: await inlineCheckpoint(1) }),
      eventOf(id, completed),
    );
    expect(outcomes).toEqual(["committed", "committed", "committed", "committed"]);
    expect(world.applies).toEqual([1]);
    expect(await world.events(id)).toEqual([
      "created",
      "scheduled",
      "started",
      "progress_updated",
      "checkpoint_created",
      "completed",
    ]);
    expect(await world.row(id)).toMatchObject({ status: "COMPLETED", progressPercent: 100, checkpointSequence: 1 });
  });

  test("that come again are duplicates and change nothing, in the same exchange or a later one (I11)", async () => {
    const world = new World();
    const id = await placed(world);
    const event = eventOf(id, completed);
    expect(await world.report(event, event)).toEqual(["committed", "duplicate"]);
    const before = await world.row(id);
    expect(await world.report(event)).toEqual(["duplicate"]);
    expect(await world.row(id)).toEqual(before);
    expect((await world.session()).book.heldCount).toBe(0);
  });

  test("of an attempt that is over are fenced, counted, and change nothing (I3, I12)", async () => {
    const world = new World();
    const id = await placed(world);
    await world.cancel(id);
    const before = await world.row(id);
    (await world.session()).samples.take();
    const outcomes = await world.report(eventOf(id, completed), eventOf(id, { kind: "logs", lines: [line] }));
    expect(outcomes).toEqual(["fenced", "fenced"]);
    expect(await world.row(id)).toEqual(before);
    expect(await world.memory.logs(world.customerId, id, { limit: 10 })).toMatchObject({ items: [] });
  });

  test("of a fenced attempt are counted once each", async () => {
    const world = new World();
    const id = await placed(world);
    await world.cancel(id);
    const reports = [eventOf(id, started), eventOf(id, completed)].map((event) => ({
      workerId: world.pool.workerId,
      event,
    }));
    const result = await world.exchange({ reports });
    const samples = result.ok ? result.value.update.samples : [];
    expect(samples).toContainEqual({ counter: "niyanta_fenced_writes_total", labels: {}, value: 2 });
  });

  test("with log lines are taken from the worker that had the attempt, also after its end, and from nobody else", async () => {
    const world = new World();
    const id = await placed(world);
    const logs = { kind: "logs" as const, lines: [line] };
    const other = { workerId: ids.worker(), event: eventOf(id, logs) };
    expect(await world.exchange({ reports: [other] })).toMatchObject({ value: { outcomes: [{ outcome: "fenced" }] } });
    expect(await world.report(eventOf(id, logs, 2))).toEqual(["refused"]);
    expect(await world.report(eventOf(id, completed), eventOf(id, logs))).toEqual(["committed", "committed"]);
    expect(await world.memory.logs(world.customerId, id, { limit: 10 })).toMatchObject({ items: [{ generation: 1 }] });
  });

  test("of a workload that does not exist are refused, and hold up no other", async () => {
    const world = new World();
    const id = await placed(world);
    const stranger = (await placed(new World())) satisfies WorkloadId;
    expect(await world.report(eventOf(stranger, started), eventOf(id, started))).toEqual(["refused", "committed"]);
  });

  test("that can never be stored are refused alone: the others are written, losses and placements too", async () => {
    const world = new World();
    const [poisoned, fine, lost] = await world.submitPlaced(3);
    const waiting = await world.submitOne();
    if (poisoned === undefined || fine === undefined || lost === undefined) throw new Error("three were placed");
    const { workerId } = world.pool;
    const events = [
      eventOf(poisoned, { kind: "progress", percent: 1, message: "a NUL: \u0000" }),
      eventOf(fine, completed),
    ];
    const result = await world.exchange({
      reports: events.map((event) => ({ workerId, event })),
      losses: [{ workloadId: lost, generation: 1, workerId, why: "worker_lost" }],
      placements: onWorker(world, [waiting]),
    });
    expect(result.ok && result.value.outcomes.map(({ outcome }) => outcome)).toEqual(["refused", "committed"]);
    const statuses = await Promise.all([poisoned, fine, lost, waiting].map(async (id) => (await world.row(id)).status));
    expect(statuses).toEqual(["SCHEDULED", "COMPLETED", "REDISTRIBUTING", "SCHEDULED"]);
    expect(result.ok && result.value.update.dispatch.map(({ assignment }) => assignment.workload_id)).toEqual([
      waiting,
    ]);
  });

  test("of what their worker was never given get one answer, whether it is there or not", async () => {
    const world = new World();
    const id = await placed(world);
    const events = [eventOf(ids.workload(), completed), eventOf(id, completed, 2)];
    const reports = events.map((event) => ({ workerId: world.pool.workerId, event: { ...event, event_id: 1 } }));
    const result = await world.exchange({ reports });
    const [nowhere, here] = result.ok ? result.value.outcomes : [];
    expect(nowhere).toEqual({ event_id: 1, outcome: "refused", reason: expect.any(String) });
    expect(here).toEqual(nowhere);
  });

  test("of checkpoints numbered far ahead are refused, also behind others that are not whole", async () => {
    const world = new World();
    const id = await placed(world);
    const announce = async (sequence: number, wrong = {}) =>
      eventOf(id, { kind: "checkpoint", checkpoint: { ...(await inlineCheckpoint(sequence)), ...wrong } });
    const broken = await announce(checkpointStepMax, { sha256: "0".repeat(64) });
    expect(await world.report(await announce(checkpointStepMax + 1), await announce(sequenceMax))).toEqual([
      "refused",
      "refused",
    ]);
    expect(await world.report(broken, await announce(2 * checkpointStepMax))).toEqual(["refused", "refused"]);
    expect(await world.row(id)).toMatchObject({ checkpointSequence: 0 });
    expect(await world.report(await announce(checkpointStepMax))).toEqual(["committed"]);
  });

  test("of a checkpoint that is not whole are refused, and the rest of the change is written (I18)", async () => {
    const world = new World();
    const id = await placed(world);
    const torn = { ...(await inlineCheckpoint(1)), sha256: "0".repeat(64) };
    expect(await world.report(eventOf(id, started), eventOf(id, { kind: "checkpoint", checkpoint: torn }))).toEqual([
      "committed",
      "refused",
    ]);
    expect(await world.row(id)).toMatchObject({ status: "RUNNING", checkpointSequence: 0 });
    const whole = eventOf(id, { kind: "checkpoint", checkpoint: await inlineCheckpoint(1) });
    expect(await world.report(whole)).toEqual(["committed"]);
  });

  test("of a failure put the workload off, and ask to be woken when it is due", async () => {
    const world = new World();
    const id = await placed(world);
    expect(await world.report(eventOf(id, transient))).toEqual(["committed"]);
    const { status, dueAt, retryCount } = await world.row(id);
    expect({ status, retryCount }).toEqual({ status: "PENDING", retryCount: 1 });
    expect(world.wakes).toEqual([dueAt]);
    expect((await world.exchange({ placements: onWorker(world, [id]) })).ok).toBe(true);
    expect((await world.row(id)).status).toBe("PENDING");
  });
});

describe("placements", () => {
  test("never pass the customer's cap, and what is too many is told as unused (I19)", async () => {
    const world = new World({ runningMax: 2 });
    const all = await world.submitAll(5);
    const result = await world.exchange({ placements: onWorker(world, all) });
    expect(result.ok && result.value.update.unused).toEqual(all.slice(2));
    expect((await world.session()).book.heldCount).toBe(2);
  });

  test("are used as far as their inputs fit one answer, and the rest comes with the next", async () => {
    const world = new World();
    const fitting = exchangeDispatchBytesMax / inputBytesMax;
    const input_params = "x".repeat(inputBytesMax - 2);
    const all: WorkloadId[] = [];
    for (let count = 0; count < fitting + 2; count += 1) all.push(await world.submitOne({ input_params }));
    const first = await world.exchange({ placements: onWorker(world, all) });
    expect(first.ok && first.value.update.unused).toEqual(all.slice(fitting));
    expect(first.ok && first.value.update.dispatch.length).toBe(fitting);
    const next = await world.exchange({ placements: onWorker(world, all.slice(fitting)) });
    expect(next.ok && next.value.update.unused).toEqual([]);
  });

  test("take the slot that a report of the same exchange gives back", async () => {
    const world = new World({ runningMax: 1 });
    const id = await placed(world);
    const next = await world.submitOne();
    const reports = [{ workerId: world.pool.workerId, event: eventOf(id, completed) }];
    const result = await world.exchange({ reports, placements: onWorker(world, [next]) });
    expect(result.ok && result.value.update.unused).toEqual([]);
    expect((await world.row(next)).status).toBe("SCHEDULED");
    expect(world.applies).toEqual([2]);
  });

  test("of what waits no longer are told as unused", async () => {
    const world = new World();
    const [cancelled, twice] = await world.submitAll(2);
    if (cancelled === undefined || twice === undefined) throw new Error("two were submitted");
    await world.cancel(cancelled);
    const result = await world.exchange({ placements: onWorker(world, [cancelled, twice, twice]) });
    expect(result.ok && result.value.update.unused).toEqual([cancelled, twice]);
  });
});

describe("two pools of a customer at its cap", () => {
  async function atCap() {
    const world = new World({ runningMax: 1 });
    const held = await placed(world);
    const waits = await world.submitOne({ pool: "other" });
    await world.settled();
    return { world, held, waits };
  }
  const toOther = (world: World, workloadId: WorkloadId) =>
    world.exchange({ pool: "other", placements: onWorker(world, [workloadId]) });

  test("do not bring the same placement for ever: the one that waits hears that nothing is left for it", async () => {
    const { world, waits } = await atCap();
    const result = await toOther(world, waits);
    expect(result.ok && result.value.update).toMatchObject({ unused: [waits], share: { runningMax: 0 } });
  });

  test("share what comes free: the one that waits hears of it at once", async () => {
    const { world, held, waits } = await atCap();
    await world.report(eventOf(held, completed));
    await world.settled();
    expect(world.other.last).toMatchObject({ share: { runningMax: 1 }, demand: { items: [{ workloadId: waits }] } });
    const result = await toOther(world, waits);
    expect(result.ok && result.value.update.unused).toEqual([]);
  });

  test("share what a cancel gives back", async () => {
    const { world, held } = await atCap();
    await world.cancel(held);
    await world.settled();
    expect(world.other.last.share.runningMax).toBe(1);
  });

  test("share what a worker's death gives back, and it waits its turn again", async () => {
    const { world, held } = await atCap();
    const loss = { workloadId: held, generation: 1, workerId: world.pool.workerId, why: "worker_lost" } as const;
    await world.exchange({ losses: [loss] });
    await world.settled();
    expect(world.other.last.share.runningMax).toBe(1);
  });

  test("leave in peace the one that has room, or nothing that waits", async () => {
    const world = new World({ runningMax: 3 });
    const [first, second] = await world.submitPlaced(2);
    if (first === undefined || second === undefined) throw new Error("two were placed");
    await world.submitOne({ pool: "other" });
    await world.settled();
    const told = world.other.updates.length;
    await world.report(eventOf(first, completed), eventOf(second, completed));
    await world.settled();
    expect(world.other.updates.length).toBe(told);
  });
});

describe("losses", () => {
  test("put the workload first in the demand again, and once only", async () => {
    const world = new World();
    const id = await placed(world);
    await world.report(eventOf(id, started));
    const loss = { workloadId: id, generation: 1, workerId: world.pool.workerId, why: "worker_lost" } as const;
    const result = await world.exchange({ losses: [loss, loss] });
    expect(result.ok && result.value.update.demand.items.map(({ workloadId }) => workloadId)).toEqual([id]);
    expect(await world.row(id)).toMatchObject({ status: "REDISTRIBUTING", deathCount: 1 });
    expect((await world.session()).book).toMatchObject({ heldCount: 0, queuedCount: 1 });
  });
});

describe("an exchange without an answer", () => {
  test("is settled by the next session, which finds the report a duplicate", async () => {
    const world = new World();
    const id = await placed(world);
    world.weather = "lost";
    const event = eventOf(id, completed);
    const reports = [{ workerId: world.pool.workerId, event }];
    expect(await world.exchange({ reports })).toMatchObject({ ok: false, refusal: { what: "database" } });
    world.weather = "fine";
    expect(await world.report(event)).toEqual(["duplicate"]);
    expect(await world.events(id)).toEqual(["created", "scheduled", "started", "completed"]);
  });

  test("of a coordinator that was replaced writes nothing", async () => {
    const world = new World();
    const id = await placed(world);
    await world.memory.lead(world.customerId, 1, world.now);
    const reports = [{ workerId: world.pool.workerId, event: eventOf(id, completed) }];
    expect(await world.exchange({ reports })).toMatchObject({ ok: false, refusal: { what: "leader" } });
    expect((await world.row(id)).status).toBe("SCHEDULED");
  });

  test("loses no measurement when the reports are tried one by one", async () => {
    const world = new World();
    const [poisoned, fine] = await world.submitPlaced(2);
    if (poisoned === undefined || fine === undefined) throw new Error("two were placed");
    const events = [eventOf(fine, completed), eventOf(poisoned, { kind: "progress", percent: 1, message: "\u0000" })];
    const result = await world.exchange({ reports: events.map((event) => ({ workerId: world.pool.workerId, event })) });
    const samples = result.ok ? result.value.update.samples : [];
    expect(
      samples.some((sample) => "counter" in sample && sample.counter === "niyanta_workload_executions_total"),
    ).toBe(true);
  });
});

describe("a window that runs low", () => {
  test("is read again with the exchange, and no measurement is lost by it", async () => {
    const world = new World({ queueDepthMax: 10_000, runningMax: 10_000 });
    for (let part = 0; part < 6; part += 1) await world.submitAll(1_000);
    const { book } = await world.session();
    const heads = book.heads("default", queueWindowMax - queueWindowLow + 1).map(({ workloadId }) => workloadId);
    const result = await world.exchange({ placements: onWorker(world, heads) });
    expect(book.heads("default", queueWindowMax).length).toBe(6_000 - heads.length);
    expect(result.ok && result.value.update.samples.length).toBeGreaterThanOrEqual(heads.length);
  });
});
