/** What comes with time: due workloads, time-outs, and the next moment to wake. */
import { describe, expect, test } from "vitest";
import { timeoutGraceSeconds } from "../../../schema/limits.ts";
import { eventOf, World } from "./world.ts";

const timeoutSeconds = 10;
const boundMs = (timeoutSeconds + timeoutGraceSeconds) * 1_000;

async function running(world: World) {
  const [id] = await world.submitPlaced(1);
  if (id === undefined) throw new Error("nothing was placed");
  await world.report(eventOf(id, { kind: "started" }));
  return id;
}

describe("keeping time", () => {
  test("offers what has become due, and wakes again for what is next", async () => {
    const world = new World();
    const at = (seconds: number) => new Date(world.now + seconds * 1_000).toISOString();
    const [first, second] = [await world.submitOne({ run_at: at(60) }), await world.submitOne({ run_at: at(120) })];
    await world.settled();
    expect(world.pool.last.demand).toMatchObject({ items: [], active: true, wakeAt: world.now + 60_000 });
    world.now += 60_000;
    await world.keepTime();
    await world.settled();
    expect(world.pool.last.demand.items.map(({ workloadId }) => workloadId)).toEqual([first]);
    expect(world.wakes.at(-1)).toBe(world.now + 60_000);
    await world.exchange({ placements: [{ workloadId: second, workerId: world.pool.workerId }] });
    expect((await world.row(second)).status).toBe("PENDING");
  });

  test("ends an attempt that outruns its time-out, puts it off by its backoff, and has its worker told", async () => {
    const world = new World({}, { timeoutSeconds });
    const id = await running(world);
    expect(world.wakes).toEqual([world.now + boundMs]);
    world.now += boundMs - 1;
    await world.keepTime();
    expect((await world.row(id)).status).toBe("RUNNING");
    world.now += 1;
    await world.keepTime();
    await world.settled();
    const { status, generation, dueAt } = await world.row(id);
    expect({ status, generation }).toEqual({ status: "PENDING", generation: 2 });
    expect(dueAt).toBe(world.now + 500);
    expect(world.pool.last.stops).toMatchObject([{ workload_id: id, generation: 1, why: "timeout" }]);
    expect(world.wakes.at(-1)).toBe(dueAt);
    expect(await world.report(eventOf(id, { kind: "completed", result: null }))).toEqual(["fenced"]);
  });

  test("ends the workload when a time-out has no retry left", async () => {
    const world = new World({}, { timeoutSeconds, maxRetries: 0 });
    const id = await running(world);
    world.now += boundMs;
    await world.keepTime();
    expect(await world.memory.workload(world.customerId, id)).toMatchObject({
      status: "FAILED",
      error: { type: "TIMEOUT" },
    });
  });

  test("takes what a submission says for its time-out before what the type says", async () => {
    const world = new World({}, { timeoutSeconds: 3_600 });
    world.pool.free = 1;
    const id = await world.submitOne({ timeout_seconds: timeoutSeconds });
    await world.report(eventOf(id, { kind: "started" }));
    expect(world.wakes).toEqual([world.now + boundMs]);
  });

  test("asks for nothing when nothing is due or runs against a deadline", async () => {
    const world = new World();
    await running(world);
    await world.keepTime();
    expect(world.wakes).toEqual([]);
  });

  test("does not end what was done in time while the database was away: the result comes first", async () => {
    const world = new World({}, { timeoutSeconds, maxRetries: 0 });
    const id = await running(world);
    const event = eventOf(id, { kind: "completed", result: null });
    world.now += (timeoutSeconds - 1) * 1_000;
    world.weather = "away";
    await world.exchange({ reports: [{ workerId: world.pool.workerId, event }] });
    world.now += boundMs;
    world.weather = "fine";
    await world.keepTime();
    expect((await world.row(id)).status).toBe("RUNNING");
    expect(await world.report(event)).toEqual(["committed"]);
  });

  test("ends it once the session has lasted for a grace, and is woken often enough to last that long", async () => {
    const world = new World({}, { timeoutSeconds, maxRetries: 0 });
    const id = await running(world);
    world.weather = "away";
    await world.exchange({ reports: [{ workerId: world.pool.workerId, event: eventOf(id, { kind: "released" }) }] });
    world.now += boundMs;
    world.weather = "fine";
    const beganAt = world.now;
    for (let looks = 0; (await world.row(id)).status === "RUNNING"; looks += 1) {
      expect(looks).toBeLessThan(10);
      await world.keepTime();
      const next = world.wakes.at(-1) ?? 0;
      expect(next - world.now).toBeLessThan(10_000);
      world.now = Math.max(world.now, next);
    }
    expect(world.now).toBe(beganAt + timeoutGraceSeconds * 1_000);
    expect((await world.row(id)).status).toBe("FAILED");
  });
});
