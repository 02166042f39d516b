/** The end of a session: what is in doubt is read again without anybody asking, and what a pool did not hear is told. */
import { describe, expect, test } from "vitest";
import { sessionRetryMs } from "../../../functions/coordinator/session.ts";
import { ids } from "../../support/records.ts";
import { eventOf, World } from "./world.ts";

async function running(world: World) {
  const [id] = await world.submitPlaced(1);
  if (id === undefined) throw new Error("nothing was placed");
  await world.report(eventOf(id, { kind: "started" }));
  await world.settled();
  return id;
}

const chunkRequest = ({ customerId, pool }: World) => ({
  ...{ customer_id: customerId, workload_id: ids.workload(), worker_id: pool.workerId },
  ...{ generation: 1, sequence: 1, index: 0 },
});

const epochOf = async (world: World) => (await world.session()).lead.epoch;

describe("a session", () => {
  test.for(["away", "lost"] as const)("that ends because the database is %s asks to be woken", async (weather) => {
    const world = new World();
    const id = await running(world);
    world.weather = weather;
    await world.cancel(id);
    expect(world.wakes).toEqual([world.now + sessionRetryMs]);
  });

  test("that ends for what nobody expects asks to be woken too", async () => {
    const world = new World();
    const id = await running(world);
    world.weather = "strange";
    await expect(world.cancel(id)).rejects.toThrow("nobody expects this");
    expect(world.wakes).toEqual([world.now + sessionRetryMs]);
  });

  test("that goes on asks for nothing", async () => {
    const world = new World();
    await world.cancel(await running(world));
    expect(world.wakes).toEqual([]);
  });
});

describe("a read beside the lane that fails", () => {
  test.for<[string, (world: World) => Promise<unknown>]>([
    ["an explanation", (world) => world.explain(ids.workload())],
    ["waiting for a slot to be free", (world) => world.statusWhenFreed(ids.workload(), 1)],
    ["bytes of a checkpoint", (world) => world.getChunk(chunkRequest(world))],
  ])("is refused, and leaves the session to who writes: %s", async ([, ask]) => {
    const world = new World();
    await running(world);
    const epoch = await epochOf(world);
    world.reads = "away";
    expect(await ask(world)).toMatchObject({ ok: false, refusal: { kind: "unavailable", what: "database" } });
    world.reads = "fine";
    expect([world.wakes, await epochOf(world)]).toEqual([[], epoch]);
  });

  test("as does the look for an answer that was given already", async () => {
    const world = new World({ queueDepthMax: 1 });
    await world.submit([{}], "k");
    const epoch = await epochOf(world);
    world.reads = "away";
    expect(await world.submit([{}], "k")).toMatchObject({ ok: false, refusal: { kind: "queue_full" } });
    world.reads = "fine";
    expect(await epochOf(world)).toBe(epoch);
  });
});

describe("an update that a pool does not hear", () => {
  test("ends the session: the next one tells the pool of its new epoch, though it has no work there", async () => {
    const world = new World();
    const id = await running(world);
    const epoch = await epochOf(world);
    world.pool.deaf = true;
    await world.cancel(id);
    await world.settled();
    expect(world.wakes).toEqual([world.now + sessionRetryMs]);
    world.pool.deaf = false;
    await world.keepTime();
    await world.settled();
    expect(world.pool.last).toMatchObject({ epoch: epoch + 1, demand: { items: [], active: false } });
  });

  test("is made up for until the pool hears, and then no more", async () => {
    const world = new World();
    const id = await running(world);
    world.pool.deaf = true;
    await world.cancel(id);
    await world.settled();
    await world.keepTime();
    await world.settled();
    expect(world.wakes.length).toBe(2);
    world.pool.deaf = false;
    await world.keepTime();
    await world.settled();
    const [told, epoch] = [world.pool.updates.length, await epochOf(world)];
    await world.keepTime();
    await world.settled();
    expect([world.wakes.length, world.pool.updates.length, await epochOf(world)]).toEqual([2, told, epoch]);
  });

  test("of a session that is over already ends no other", async () => {
    const world = new World();
    const id = await running(world);
    const told = Promise.withResolvers<void>();
    world.pool.update = () => told.promise;
    await world.cancel(id);
    world.weather = "away";
    await world.submit([{}]);
    world.weather = "fine";
    const epoch = await epochOf(world);
    told.reject(new Error("the pool is away"));
    await world.settled();
    expect(await epochOf(world)).toBe(epoch);
  });
});
