/** Live updates in the real runtime: sockets that outlive their coordinator's memory, and what ends them. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { Hono } from "hono";
import { afterEach, describe, expect, test } from "vitest";
import type { ApiEnv } from "../../functions/api/context.ts";
import { streamEvents } from "../../functions/api/live/events.ts";
import { socketOf } from "../../functions/api/live/socket.ts";
import { alarmOf, askToWatch, cancelled, socketsOf, TestWatcher } from "./watcher.ts";
import * as world from "./world.ts";

/** The runtime waits for some ten seconds before it lets an object go. */
const evictionMsMax = 60_000;
const soonMs = 500;
const hourMs = 3_600_000;

afterEach(() => world.endObjects());

describe("a socket at a coordinator", () => {
  test(
    "outlives an eviction, and hears the next event exactly once",
    async () => {
      const customerId = await world.newCustomer();
      const workloadId = await world.submitOne(customerId, { pool: "pool-11" });
      const [one, all] = [await TestWatcher.open(customerId, { workloadId }), await TestWatcher.open(customerId)];
      await evictDurableObject(world.coordinatorStub(customerId));
      await cancelled(customerId, workloadId);
      await one.closed.until(({ code }) => code === 1000);
      await all.until("CANCELLED");
      const other = await world.submitOne(customerId, { pool: "pool-11" });
      await all.messages.until((message) => "workload_id" in message && message.workload_id === other);
      expect(one.told).toEqual(["CANCELLED"]);
      expect(all.told).toEqual(["CANCELLED", "PENDING"]);
    },
    evictionMsMax,
  );

  test("costs no query while nothing happens, and asks for a ping nothing of the coordinator", async () => {
    const customerId = await world.newCustomer();
    const watchers = await Promise.all(Array.from({ length: 20 }, () => TestWatcher.open(customerId)));
    // Each looks once, when it begins, for what was committed meanwhile.
    const before = await world.queriesAtRest();
    for (const watcher of watchers) watcher.say("ping");
    await Promise.all(watchers.map(({ answers }) => answers.next((text) => text === "pong")));
    expect(await world.queriesAtRest()).toBe(before);
  });

  test("goes on after its cursor, without gap or repeat, when the coordinator crashed", async () => {
    const customerId = await world.newCustomer();
    const first = await TestWatcher.open(customerId);
    await world.submitOne(customerId, { pool: "pool-11" });
    await first.until("PENDING");
    await world.crash(world.coordinatorStub(customerId));
    const missed = await world.submitOne(customerId, { pool: "pool-11" });
    const second = await TestWatcher.open(customerId, { cursor: first.cursor });
    await second.until("PENDING");
    const third = await world.submitOne(customerId, { pool: "pool-11" });
    await second.messages.until((message) => "workload_id" in message && message.workload_id === third);
    expect(second.messages.all.map((message) => "workload_id" in message && message.workload_id)).toEqual([
      false,
      missed,
      third,
    ]);
  });

  test("ends when its credentials expire, by the alarm", async () => {
    const customerId = await world.newCustomer();
    const watcher = await TestWatcher.open(customerId, { expiresAt: Date.now() + soonMs });
    expect(await watcher.closed.until(() => true)).toEqual({ code: 4401, reason: "expired" });
  });

  test("puts off no alarm that was set before", async () => {
    const customerId = await world.newCustomer();
    const run_at = new Date(Date.now() + hourMs).toISOString();
    const workloadId = await world.submitOne(customerId, { pool: "pool-11", run_at });
    await runDurableObjectAlarm(world.coordinatorStub(customerId));
    await world.crash(world.coordinatorStub(customerId));
    const due = await alarmOf(customerId);
    await TestWatcher.open(customerId, { workloadId, expiresAt: Date.parse(run_at) + hourMs });
    expect(due).not.toBeNull();
    expect(await alarmOf(customerId)).toBe(due);
  });

  test(
    "ends in time whatever its coordinator is asked first after an eviction",
    async () => {
      const customerId = await world.newCustomer();
      const expiresAt = Date.now() + hourMs;
      await TestWatcher.open(customerId, { expiresAt });
      await evictDurableObject(world.coordinatorStub(customerId));
      const run_at = new Date(expiresAt + hourMs).toISOString();
      await world.submitOne(customerId, { pool: "pool-11", run_at });
      expect(await alarmOf(customerId)).toBeLessThanOrEqual(expiresAt);
    },
    evictionMsMax,
  );

  test("ends at once when its key is revoked, and those of other keys go on", async () => {
    const customerId = await world.newCustomer();
    const keyId = await world.issueKey(customerId);
    const revoked = await TestWatcher.open(customerId, { principalId: keyId });
    const other = await TestWatcher.open(customerId, { principalId: "two" });
    await world.change(customerId, "revoke_key", { keyId });
    expect(await revoked.closed.until(() => true)).toEqual({ code: 4401, reason: "revoked" });
    const late = await askToWatch(customerId, { principalId: keyId });
    const refused = { kind: "refused", refusal: { kind: "unknown_customer" } };
    expect(await late.json()).toEqual(refused);
    await world.submitOne(customerId, { pool: "pool-11" });
    await other.until("PENDING");
    await world.crash(world.coordinatorStub(customerId));
    expect(await (await askToWatch(customerId, { principalId: keyId })).json()).toEqual(refused);
  });

  test("ends at once when its customer is suspended, and none is begun with a key that somebody remembers", async () => {
    const customerId = await world.newCustomer();
    const workloadId = await world.submitOne(customerId, { pool: "pool-11" });
    const watcher = await TestWatcher.open(customerId);
    await world.change(customerId, "set_terms", { suspended: true });
    expect(await watcher.closed.until(() => true)).toEqual({ code: 4403, reason: "suspended" });
    const refused = { kind: "refused", refusal: { kind: "customer_suspended" } };
    for (const watch of [{}, { workloadId }, { transport: "events" as const }])
      expect(await (await askToWatch(customerId, watch)).json()).toEqual(refused);
    await world.crash(world.coordinatorStub(customerId));
    expect(await (await askToWatch(customerId)).json()).toEqual(refused);
    await world.change(customerId, "set_terms", { suspended: false });
    await TestWatcher.open(customerId, { workloadId });
  });

  test("is refused for a workload of another customer as for one that does not exist", async () => {
    const [mine, other] = [await world.newCustomer(), await world.newCustomer()];
    const workloadId = await world.submitOne(other, { pool: "pool-11" });
    const reply = await askToWatch(mine, { workloadId });
    expect(reply.webSocket).toBeNull();
    expect(await reply.json()).toEqual({ kind: "refused", refusal: { kind: "unknown_workload" } });
    expect(await (await askToWatch(mine, { cursor: "nonsense" })).json()).toEqual({ kind: "bad_cursor" });
  });

  test("is answered with errors when it talks, and sent away when it goes on", async () => {
    const customerId = await world.newCustomer();
    const watcher = await TestWatcher.open(customerId);
    for (let said = 0; said < 5; said += 1) watcher.say("hello?");
    expect((await watcher.closed.until(() => true)).code).toBe(4400);
    expect(watcher.answers.all).toEqual(["INVALID_INPUT", "INVALID_INPUT", "INVALID_INPUT"]);
  });
});

test("a stream of events holds one socket, and gives it back when its reader goes", async () => {
  const customerId = await world.newCustomer();
  const workloadId = await world.submitOne(customerId, { pool: "pool-11" });
  const app = new Hono<ApiEnv>();
  app.get("/", async (c) =>
    streamEvents(c, socketOf(await askToWatch(customerId, { workloadId, transport: "events" }))),
  );
  const { body } = await app.request("/");
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toMatch(/^event: hello\n/);
  expect(await socketsOf(customerId)).toBe(1);
  await reader?.cancel();
  await expect.poll(() => socketsOf(customerId)).toBe(0);
});
