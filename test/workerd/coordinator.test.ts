/** CustomerCoordinator in the real runtime: what it promises when its instance ends, or another one leads. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { cancel } from "../../functions/domain/operation.ts";
import { TestAgent } from "./agent.ts";
import * as world from "./world.ts";

const windowMax = 10;
const soonMs = 400;

afterEach(() => world.endObjects());

describe("a coordinator that ends between two steps", () => {
  test("comes back under a higher epoch, and takes the report of what it had placed before", async () => {
    const customerId = await world.newCustomer();
    const agent = await TestAgent.enlisted("pool-1");
    const workloadId = await world.submitOne(customerId, { pool: "pool-1" });
    const assignment = await agent.until(workloadId);
    const epoch = await world.epochOf(customerId, "pool-1");
    await world.crash(world.coordinatorStub(customerId));
    expect((await agent.tell(assignment, { kind: "completed", result: { ok: true } })).outcome).toBe("committed");
    expect(await world.epochOf(customerId, "pool-1")).toBeGreaterThan(epoch);
    expect(await world.eventsOf(customerId, workloadId)).toEqual(["created", "scheduled", "started", "completed"]);
    await agent.stop();
  });

  test("keeps what was accepted in its order, and counts it against the depth of the queue", async () => {
    const customerId = await world.newCustomer({ queueDepthMax: 2 });
    await world.submitOne(customerId, { pool: "pool-2" });
    await world.submitOne(customerId, { pool: "pool-2" });
    await world.crash(world.coordinatorStub(customerId));
    const answer = await world.trySubmit(customerId, { pool: "pool-2" });
    expect(answer).toMatchObject({ ok: false, refusal: { kind: "queue_full" } });
  });

  test("starts by its alarm what fell due while it was away", async () => {
    const customerId = await world.newCustomer();
    const agent = await TestAgent.enlisted("pool-3");
    const run_at = new Date(Date.now() + soonMs).toISOString();
    const workloadId = await world.submitOne(customerId, { pool: "pool-3", run_at });
    await world.crash(world.coordinatorStub(customerId));
    const assignment = await agent.until(workloadId);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(run_at));
    expect((await agent.tell(assignment, { kind: "completed", result: null })).outcome).toBe("committed");
    await agent.stop();
  });

  test("starts a retry by its alarm, under a new generation and not before it is due", async () => {
    const customerId = await world.newCustomer();
    const agent = await TestAgent.enlisted("pool-4");
    const workloadId = await world.submitOne(customerId, { pool: "pool-4" });
    const first = await agent.until(workloadId);
    const error = { kind: "transient" as const, type: "Flaky", message: "once", retry_after_ms: soonMs };
    const failedAt = Date.now();
    expect((await agent.tell(first, { kind: "failed", error })).outcome).toBe("committed");
    await world.crash(world.coordinatorStub(customerId));
    const second = await agent.until(workloadId, first.generation + 1);
    expect(Date.now()).toBeGreaterThanOrEqual(failedAt + soonMs);
    expect((await agent.tell(second, { kind: "completed", result: null })).outcome).toBe("committed");
    await agent.stop();
  });
});

describe("two leaders of one customer", () => {
  test("the one of the older epoch changes nothing, says so, and leads again only under a newer epoch", async () => {
    const customerId = await world.newCustomer();
    await world.epochOf(customerId, "pool-5");
    const other = await world.store.lead(customerId, windowMax, Date.now());
    if (other === null) throw new Error("the customer is gone");
    const refused = await world.trySubmit(customerId, { pool: "pool-5" });
    expect(refused).toMatchObject({ ok: false, refusal: { kind: "unavailable", what: "leader" } });
    expect(await world.count(customerId)).toBe(0);
    const workloadId = await world.submitOne(customerId, { pool: "pool-5" });
    const [workload] = await world.store.find(customerId, [workloadId]);
    if (workload === undefined) throw new Error("the workload is gone");
    const decision = cancel(workload, { type: "user", id: "test" }, null, { now: Date.now(), random: 0 });
    if (decision.kind !== "change") throw new Error("a new workload can be cancelled");
    expect(await world.store.apply(other.lead, [decision.change], [], Date.now())).toEqual({ kind: "not_leader" });
    expect(await world.statusOf(customerId, workloadId)).toBe("PENDING");
    expect(await world.eventsOf(customerId, workloadId)).toEqual(["created"]);
  });
});

describe("a coordinator without a database", () => {
  test("sets its alarm again, and goes on when the database is back", async () => {
    const customerId = await world.newCustomer();
    const agent = await TestAgent.enlisted("pool-6");
    const run_at = new Date(Date.now() + soonMs).toISOString();
    const workloadId = await world.submitOne(customerId, { pool: "pool-6", run_at });
    await world.crash(world.coordinatorStub(customerId));
    await world.stopGateway();
    await runDurableObjectAlarm(world.coordinatorStub(customerId));
    const alarm = await runInDurableObject(world.coordinatorStub(customerId), (_, { storage }) => storage.getAlarm());
    expect(alarm).not.toBeNull();
    expect(await world.trySubmit(customerId, { pool: "pool-6" })).toMatchObject({
      ok: false,
      refusal: { kind: "unavailable", what: "database" },
    });
    await world.startGateway();
    await agent.until(workloadId);
    await agent.stop();
  });
});
