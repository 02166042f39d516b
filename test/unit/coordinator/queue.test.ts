/** A line that cannot go on holds up only itself (L1): what a pool is offered, however the queue was filled. */
import { describe, expect, test } from "vitest";
import { queueLinesMax, queueLinesTurnSeconds } from "../../../schema/limits.ts";
import { ids } from "../../support/records.ts";
import { World } from "./world.ts";

const pinnedTo = (worker_id = ids.worker()) => ({ affinity_rules: { hard_affinity: { worker_id } } });
const newWorld = () => new World({ queueDepthMax: 100_000, runningMax: 1_000 });

async function offered(world: World): Promise<string[]> {
  await world.settled();
  return world.pool.last.demand.items.map(({ workloadId }) => workloadId);
}

describe("a pool is offered", () => {
  test("a workload of one type behind more of another than the window holds", async () => {
    const world = newWorld();
    for (let part = 0; part < 6; part += 1) await world.submitAll(1_000, { workload_type: "sleep" });
    const last = await world.submitOne();
    expect(await offered(world)).toContain(last);
  });

  test("the same by a coordinator that has just begun", async () => {
    const world = newWorld();
    for (let part = 0; part < 6; part += 1) await world.submitAll(1_000, { workload_type: "sleep" });
    const last = await world.submitOne();
    await world.memory.lead(world.customerId, 1, world.now);
    await world.cancel(ids.workload());
    await world.cancel(last);
    await world.keepTime();
    expect(await offered(world)).toContain(last);
  });

  test("all of a few workloads behind more that are pinned to a worker that is gone than a window holds", async () => {
    const world = newWorld();
    const gone = pinnedTo();
    for (let part = 0; part < 6; part += 1) await world.submitAll(1_000, gone);
    const free = await world.submitAll(10);
    const other = await world.submitAll(10, pinnedTo());
    expect(await offered(world)).toEqual(expect.arrayContaining([...free, ...other]));
  });

  test("much of what is free, however many are pinned to workers that are gone, each to another", async () => {
    const world = newWorld();
    for (let part = 0; part < queueLinesMax - 1; part += 1) await world.submitOne(pinnedTo());
    const free = await world.submitAll(200);
    expect(await offered(world)).toEqual(expect.arrayContaining(free));
  });

  test("what has the better place in the queue first, whatever line it stands in", async () => {
    const world = newWorld();
    const later = await world.submitOne({ priority: 1 });
    const first = await world.submitOne({ workload_type: "sleep", priority: 900 });
    const middle = await world.submitOne({ ...pinnedTo(), priority: 500 });
    expect(await offered(world)).toEqual([first, middle, later]);
  });

  test("every line in its turn, when there are more than are kept in mind and none can go on", async () => {
    const world = newWorld();
    const all = new Set<string>();
    for (let part = 0; part < queueLinesMax + 20; part += 1) all.add(await world.submitOne(pinnedTo()));
    const seen = new Set<string>();
    for (let minute = 0; minute < 4; minute += 1) {
      for (const id of await offered(world)) seen.add(id);
      world.now += queueLinesTurnSeconds * 1_000;
      await world.keepTime();
      world.now += queueLinesTurnSeconds * 1_000;
      await world.keepTime();
    }
    for (const id of await offered(world)) seen.add(id);
    expect(seen).toEqual(all);
  });
});
