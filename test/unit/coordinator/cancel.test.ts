/** Cancelling: once and for good, whatever the workload is doing. */
import { describe, expect, test } from "vitest";
import { queueWindowMax } from "../../../schema/limits.ts";
import { ids } from "../../support/records.ts";
import { eventOf, World } from "./world.ts";

describe("cancelling", () => {
  test("ends what waits, and takes it out of the demand", async () => {
    const world = new World();
    const id = await world.submitOne();
    expect(await world.cancel(id)).toEqual(["done"]);
    await world.settled();
    expect(await world.row(id)).toMatchObject({ status: "CANCELLED", generation: 1 });
    expect(world.pool.last).toMatchObject({ demand: { items: [], active: false }, stops: [] });
  });

  test("ends what runs, and has its worker told under the generation that is over", async () => {
    const world = new World();
    const [id] = await world.submitPlaced(1);
    if (id === undefined) throw new Error("nothing was placed");
    await world.cancel(id);
    await world.settled();
    const stop = { workload_id: id, generation: 1, workerId: world.pool.workerId, why: "cancelled" };
    expect(world.pool.last.stops).toEqual([stop]);
    expect((await world.session()).book.heldCount).toBe(0);
  });

  test("what is cancelled changes nothing and is no mistake", async () => {
    const world = new World();
    const id = await world.submitOne();
    await world.cancel(id);
    const before = await world.row(id);
    expect(await world.cancel(id)).toEqual(["unchanged"]);
    expect(await world.row(id)).toEqual(before);
    expect(await world.events(id)).toEqual(["created", "cancelled"]);
  });

  test("what has ended is refused with its status", async () => {
    const world = new World();
    const [id] = await world.submitPlaced(1);
    if (id === undefined) throw new Error("nothing was placed");
    await world.report(eventOf(id, { kind: "completed", result: null }));
    expect(await world.operate({ targets: { ids: [id] } })).toMatchObject({
      value: { operations: [{ refusal: { kind: "wrong_state", status: "COMPLETED", action: "cancel" } }] },
    });
  });

  test("what does not exist is refused as unknown", async () => {
    const world = new World();
    expect(await world.cancel(ids.workload())).toEqual(["unknown_workload"]);
  });

  test("wins over a retry that is due later (I12)", async () => {
    const world = new World();
    const [id] = await world.submitPlaced(1);
    if (id === undefined) throw new Error("nothing was placed");
    const error = { kind: "transient" as const, type: "Flaky", message: "once" };
    await world.report(eventOf(id, { kind: "failed", error }));
    await world.cancel(id);
    world.now += 3_600_000;
    await world.keepTime();
    await world.exchange({ placements: [{ workloadId: id, workerId: world.pool.workerId }] });
    expect((await world.row(id)).status).toBe("CANCELLED");
  });

  test("all of a window brings the rest of the queue to mind", async () => {
    const world = new World({ queueDepthMax: 10_000 });
    for (let part = 0; part < 5; part += 1) await world.submitAll(1_000);
    const last = await world.submitOne();
    const { book } = await world.session();
    for (const { workloadId } of book.heads("default", queueWindowMax)) await world.cancel(workloadId);
    await world.settled();
    expect(world.pool.last.demand.items.map(({ workloadId }) => workloadId)).toEqual([last]);
  });
});
