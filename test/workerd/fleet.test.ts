/** What a pool in the real runtime says of its workers, and what it remembers of the operator's orders. */
import { afterEach, describe, expect, test } from "vitest";
import type { WorkerRecord } from "../../functions/store/store.ts";
import { TestAgent } from "./agent.ts";
import * as world from "./world.ts";

afterEach(() => world.endObjects());

const everyone = { before: null, status: null, workerId: null, limit: 10 };
const recordOf = ({ workerId }: TestAgent, pool: string): WorkerRecord => ({
  ...{ workerId, pool, status: "HEALTHY", capabilities: ["noop"], slots: 10, tags: {}, version: "test" },
});

describe("a pool that has lost its memory", () => {
  test("knows who is there before it answers for anybody", async () => {
    const customerId = await world.newCustomer();
    const agent = await TestAgent.enlisted("pool-13");
    await world.crash(world.poolStub("pool-13"));
    const item = {
      workloadId: await world.submitOne(customerId, { pool: "pool-14" }),
      workloadType: "noop",
      queueRank: 1,
    };
    expect(await world.pool("pool-13").explain({ customerId, item })).toEqual({ obstacle: null, isNext: false });
    await world.crash(world.poolStub("pool-13"));
    const { live, workers } = await world.pool("pool-13").fleet(everyone);
    expect(live).toEqual([agent.workerId]);
    expect(workers).toMatchObject([{ worker_id: agent.workerId, status: "HEALTHY", slots: 10, slots_used: 0 }]);
    await agent.stop();
  });

  test("still knows whom the operator has ordered to drain", async () => {
    const agent = await TestAgent.enlisted("pool-15");
    expect(await world.pool("pool-15").drain(agent.workerId)).toBe(true);
    await world.crash(world.poolStub("pool-15"));
    const { workers } = await world.pool("pool-15").fleet(everyone);
    expect(workers).toMatchObject([{ worker_id: agent.workerId, status: "DRAINING" }]);
    await agent.stop();
  });

  test("still knows whom the operator has removed", async () => {
    const agent = await TestAgent.enlisted("pool-16");
    const told = agent.registered.next((reply) => reply.type === "error");
    await world.pool("pool-16").remove(recordOf(agent, "pool-16"));
    expect(await told).toMatchObject({ payload: { code: "removed", retry: false } });
    await world.crash(world.poolStub("pool-16"));
    expect(await world.pool("pool-16").isRemoved(agent.workerId)).toBe(true);
    expect(await world.pool("pool-16").fleet(everyone)).toEqual({ live: [], workers: [] });
    await agent.stop();
  });
});

describe("a coordinator that is asked why", () => {
  test("says what its pool says, and who goes first", async () => {
    const customerId = await world.newCustomer();
    const first = await world.submitOne(customerId, { pool: "pool-17" });
    const second = await world.submitOne(customerId, { pool: "pool-17" });
    expect(await world.coordinator(customerId).explain(second)).toMatchObject({
      ok: true,
      value: { workload_id: second, rule: "POOL_EMPTY", queue: { position: 2, ahead: 1, depth: 2 }, forecast: null },
    });
    expect(await world.coordinator(customerId).explain(first)).toMatchObject({
      ok: true,
      value: { queue: { ahead: 0 } },
    });
  });

  test("knows no workload of another customer", async () => {
    const [one, other] = [await world.newCustomer(), await world.newCustomer()];
    const id = await world.submitOne(one, { pool: "pool-17" });
    expect(await world.coordinator(other).explain(id)).toMatchObject({ refusal: { kind: "unknown_workload" } });
  });
});
