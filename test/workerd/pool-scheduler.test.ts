/** PoolScheduler in the real runtime: its memory may end at any moment, the work of its pool may not. */
import { createScheduledController, reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import worker from "../../functions/index.ts";
import { keepEveryMs } from "../../functions/scheduler/kept-metrics.ts";
import { TestAgent } from "./agent.ts";
import * as world from "./world.ts";

afterEach(() => world.endObjects());

const tick = () => worker.scheduled(createScheduledController(), { ...env });

describe("a scheduler that ends while work is running", () => {
  test("calls the roll, fences nobody, and takes the reports of what runs on", async () => {
    const customerId = await world.newCustomer();
    const agent = await TestAgent.enlisted("pool-7");
    const workloadId = await world.submitOne(customerId, { pool: "pool-7" });
    const assignment = await agent.until(workloadId);
    await agent.tell(assignment, { kind: "started" });
    const rollCalled = agent.registered.next();
    await world.crash(world.poolStub("pool-7"));
    await world.pool("pool-7").wake();
    expect(await rollCalled).toMatchObject({ type: "registered", payload: { fenced: [] } });
    expect((await agent.tell(assignment, { kind: "completed", result: 1 })).outcome).toBe("committed");
    expect(await world.eventsOf(customerId, workloadId)).toEqual(["created", "scheduled", "started", "completed"]);
    await agent.stop();
  });

  test("remembers by the roll call which slots are taken, so that no worker gets more than it has", async () => {
    const customerId = await world.newCustomer();
    const agent = await TestAgent.enlisted("pool-8", 1);
    const first = await agent.until(await world.submitOne(customerId, { pool: "pool-8" }));
    await world.crash(world.poolStub("pool-8"));
    const second = await world.submitOne(customerId, { pool: "pool-8" });
    const rollCalled = agent.registered.next();
    await world.pool("pool-8").wake();
    await rollCalled;
    expect((await agent.tell(first, { kind: "progress", percent: 50, message: null })).outcome).toBe("committed");
    expect(await world.statusOf(customerId, second)).toBe("PENDING");
    await agent.tell(first, { kind: "completed", result: null });
    await agent.until(second);
    expect(agent.assigned.all.length).toBe(2);
    await agent.stop();
  });

  test("gives the work of a worker that died meanwhile to another one, after a lease", async () => {
    const customerId = await world.newCustomer();
    const doomed = await TestAgent.enlisted("pool-9");
    const workloadId = await world.submitOne(customerId, { pool: "pool-9" });
    const first = await doomed.until(workloadId);
    await doomed.tell(first, { kind: "started" });
    await world.crash(world.poolStub("pool-9"));
    await doomed.stop();
    const heir = await TestAgent.enlisted("pool-9");
    const second = await heir.until(workloadId, first.generation + 1);
    expect((await heir.tell(second, { kind: "completed", result: null })).outcome).toBe("committed");
    await heir.stop();
  });

  test("runs again what a worker had ended without an answer before it died", async () => {
    const customerId = await world.newCustomer();
    const doomed = await TestAgent.enlisted("pool-10");
    const workloadId = await world.submitOne(customerId, { pool: "pool-10" });
    const first = await doomed.until(workloadId);
    await doomed.tell(first, { kind: "started" });
    await world.stopGateway();
    expect(await doomed.tryTell(first, { kind: "completed", result: null })).toMatchObject({ type: "error" });
    await doomed.stop();
    await world.startGateway();
    const heir = await TestAgent.enlisted("pool-10");
    await heir.until(workloadId, first.generation + 1);
    await heir.stop();
  });
});

describe("the metrics of a scheduler that ends at rest", () => {
  test("are what they were, without anybody being asked anew", async () => {
    const customerId = await world.newCustomer();
    const agent = await TestAgent.enlisted("pool-12", 3);
    const workloadId = await world.submitOne(customerId, { pool: "pool-12" });
    await agent.tell(await agent.until(workloadId), { kind: "completed", result: null });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + keepEveryMs });
    await runDurableObjectAlarm(world.poolStub("pool-12"));
    vi.useRealTimers();
    await world.crash(world.poolStub("pool-12"));
    const before = await world.queriesAtRest();
    const text = await world.pool("pool-12").metricsText();
    expect(text).toContain('niyanta_worker_pool_size{pool="pool-12",status="HEALTHY"} 1');
    expect(text).toContain('niyanta_worker_capacity_total{pool="pool-12"} 3');
    expect(text).toMatch(/niyanta_workload_executions_total\{[^}]*result="completed"[^}]*\} 1/i);
    expect(await world.queries()).toBe(before);
    await agent.stop();
  });
});

describe("the cron tick", () => {
  test("sends no query when nothing is active", async () => {
    await reset();
    await tick();
    const before = await world.queriesAtRest();
    await tick();
    await tick();
    expect(await world.queriesAtRest()).toBe(before);
  });

  test("starts what an alarm should have started, when both objects are gone and their alarms too", async () => {
    const customerId = await world.newCustomer();
    const agent = await TestAgent.enlisted("pool-11");
    const run_at = new Date(Date.now() + 1_000).toISOString();
    const workloadId = await world.submitOne(customerId, { pool: "pool-11", run_at });
    for (const stub of [() => world.coordinatorStub(customerId), () => world.poolStub("pool-11")]) {
      await runInDurableObject(stub(), (_, { storage }) => storage.deleteAlarm());
      await world.crash(stub());
    }
    await world.until(run_at);
    await tick();
    await agent.until(workloadId);
    await agent.stop();
  });
});
