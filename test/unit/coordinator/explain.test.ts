/** What a coordinator gathers to explain a workload: its own memory, what is stored, and its pool, where that has a say. */
import { describe, expect, test } from "vitest";
import { explainWorkload } from "../../../functions/coordinator/explain.ts";
import type { Obstacle } from "../../../functions/domain/obstacle.ts";
import type { WorkloadId } from "../../../schema/ids.ts";
import { rateWindowSeconds } from "../../../schema/limits.ts";
import { ids, t0 } from "../../support/records.ts";
import { eventOf, World } from "./world.ts";

async function explained(world: World, id: WorkloadId, obstacle: Obstacle | null = null) {
  const deps = {
    ...world.deps,
    pool: (name: string) => ({
      ...{ place: world.deps.pool(name).place, update: world.deps.pool(name).update },
      explain: async () => ({ obstacle, isNext: false }),
    }),
  };
  const result = await explainWorkload(deps, await world.session(), id);
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.refusal)}`);
  return result.value;
}

describe("an explanation", () => {
  test("counts who goes first among all that are due, and where a slot is free it forecasts a start now", async () => {
    const world = new World();
    await world.submitPlaced(4);
    const [, , last] = await world.submitAll(3);
    if (last === undefined) throw new Error("three were submitted");
    const told = await explained(world, last);
    expect(told).toMatchObject({ rule: "BEHIND_OTHERS", queue: { position: 3, ahead: 2, depth: 3 } });
    expect(told).toMatchObject({ forecast: null, estimated_start_time: new Date(world.now).toISOString() });
  });

  test("has no forecast at the cap however many were started, until one of them has ended", async () => {
    const world = new World({ runningMax: 4 });
    const [first] = await world.submitPlaced(4);
    const [ahead, next] = await world.submitAll(2);
    if (first === undefined || ahead === undefined || next === undefined) throw new Error("six were submitted");
    world.now = t0 + 400_000;
    expect(await explained(world, next)).toMatchObject({
      ...{ rule: "CUSTOMER_CAP", estimated_start_time: null, forecast: null, forecast_reason: "nothing_measured" },
    });
    await world.report(eventOf(first, { kind: "completed", result: null }));
    await world.exchange({ placements: [{ workloadId: ahead, workerId: world.pool.workerId }] });
    const told = await explained(world, next);
    expect(told.rule).toBe("CUSTOMER_CAP");
    expect(told.forecast).toEqual({ slots_freed_per_second: 1 / rateWindowSeconds, measured_over_seconds: 300 });
    expect(told.estimated_start_time).toBe(new Date(world.now + rateWindowSeconds * 1_000).toISOString());
  });

  test("forecasts by the slots that came free and by who goes first in its own line", async () => {
    const world = new World({ runningMax: 4 });
    const [first, second] = await world.submitPlaced(4);
    if (first === undefined || second === undefined) throw new Error("four were submitted");
    const stuck = { affinity_rules: { hard_affinity: { worker_tags: { gpu: "yes" } } } };
    await world.submitAll(50, stuck);
    world.now = t0 + 100_000;
    await world.report(eventOf(first, { kind: "completed", result: null }));
    await world.cancel(second);
    const [, last] = await world.submitAll(2);
    if (last === undefined) throw new Error("two were submitted");
    const rate = (await world.session()).slotsFreed.perSecond(world.now);
    expect(rate).toBe(2 / 100);
    const full = await explained(world, last, { kind: "no_slot", used: 3, slots: 3 });
    expect(full).toMatchObject({ rule: "NO_FREE_SLOT", queue: { ahead: 51 } });
    expect(full.forecast).toEqual({ slots_freed_per_second: 2 / 100, measured_over_seconds: 100 });
    expect(full.estimated_start_time).toBe(new Date(world.now + 100_000).toISOString());
  });

  test("names the cap of the customer, with what holds it", async () => {
    const world = new World({ runningMax: 1 });
    await world.submitPlaced(1);
    expect(await explained(world, await world.submitOne())).toMatchObject({
      rule: "CUSTOMER_CAP",
      details: { running: 1, cap: 1 },
    });
  });

  test("tells by whom a workload was paused, though it is in no memory", async () => {
    const world = new World();
    const id = await world.submitOne();
    await world.act({ kind: "pause", reason: "the night" }, id);
    expect(await explained(world, id)).toMatchObject({
      rule: "PAUSED",
      details: { actor_type: "user", actor_id: "test", reason: "the night" },
      queue: null,
    });
  });

  test("asks no pool of what is not due", async () => {
    const world = new World();
    const id = await world.submitOne({ run_at: new Date(t0 + 60_000).toISOString() });
    expect(await explainWorkload(world.deps, await world.session(), id)).toMatchObject({
      value: { rule: "NOT_DUE", queue: null },
    });
  });

  test("is refused while the pool cannot tell, and for what nobody knows", async () => {
    const world = new World();
    const session = await world.session();
    expect(await explainWorkload(world.deps, session, await world.submitOne())).toMatchObject({
      refusal: { kind: "unavailable", what: "broker" },
    });
    expect(await explainWorkload(world.deps, session, ids.workload())).toMatchObject({
      refusal: { kind: "unknown_workload" },
    });
  });
});
