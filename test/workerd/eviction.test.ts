/** An eviction as the platform does it. The pool's scheduler has no part in it: its socket to the broker keeps it. */
import { evictDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { TestAgent } from "./agent.ts";
import * as world from "./world.ts";

/** The runtime waits for some ten seconds before it lets an object go. */
const evictionMsMax = 60_000;

afterEach(() => world.endObjects());

test(
  "a coordinator that is evicted with work in hand comes back and finishes it",
  async () => {
    const customerId = await world.newCustomer();
    const agent = await TestAgent.enlisted("pool-12");
    const workloadId = await world.submitOne(customerId, { pool: "pool-12" });
    const assignment = await agent.until(workloadId);
    const epoch = await world.epochOf(customerId, "pool-12");
    await evictDurableObject(world.coordinatorStub(customerId));
    expect((await agent.tell(assignment, { kind: "completed", result: { ok: true } })).outcome).toBe("committed");
    expect(await world.epochOf(customerId, "pool-12")).toBeGreaterThan(epoch);
    expect(await world.eventsOf(customerId, workloadId)).toEqual(["created", "scheduled", "started", "completed"]);
    await agent.stop();
  },
  evictionMsMax,
);
