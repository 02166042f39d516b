import { expect, test } from "vitest";
import { spawnAgent } from "../support/agent-process.ts";
import { createWorld } from "../support/agent-world.ts";
import { newAssignment } from "../support/scripted-coordinator.ts";

test("registers with its types, slots and tags, and says so in its log", async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId, lines } = await agent({ NIYANTA_SLOTS: "3", NIYANTA_TAGS: "region=north,gpu=yes" });
  const { payload } = await coordinator.untilMessage("worker.register");
  expect(payload).toMatchObject({ worker_id: workerId, slots: 3, tags: { region: "north", gpu: "yes" }, held: [] });
  expect(payload.capabilities.toSorted()).toEqual(["noop", "sleep", "text.wordcount"]);
  expect(await lines.until(({ msg }) => msg === "registered")).toMatchObject({
    worker_id: workerId,
    pool: "default",
    slots: 3,
  });
});

test("runs many no-ops from one message and reports each start and end in one batch", async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent({ NIYANTA_SLOTS: "200" });
  const customer_id = newAssignment().customer_id;
  const assignments = Array.from({ length: 200 }, () => newAssignment({ customer_id }));
  const answers = await coordinator.assign(workerId, ...assignments);
  expect(answers.every(({ accepted }) => accepted)).toBe(true);
  for (const assignment of assignments) await coordinator.untilCommitted("completed", assignment);
  const batches = coordinator.messages.all.filter(({ type }) => type === "worker.events");
  expect(batches).toHaveLength(1);
});

test("is silent while it holds nothing, and beats at once when it holds something", async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  expect(coordinator.messages.all.map(({ type }) => type)).toEqual(["worker.register"]);
  const assignment = newAssignment({ workload_type: "sleep", input: { duration_ms: 60_000 } });
  await coordinator.assign(workerId, assignment);
  const { payload } = await coordinator.untilMessage("worker.heartbeat");
  expect(payload).toMatchObject({
    status: "HEALTHY",
    used: 1,
    slots: 10,
    held: [{ workload_id: assignment.workload_id }],
  });
});

test("runs a workload in a thread, with progress and result", async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  const assignment = newAssignment({ workload_type: "sleep", input: { duration_ms: 40, step_ms: 10 } });
  await coordinator.assign(workerId, assignment);
  const { result } = await coordinator.untilCommitted("completed", assignment);
  expect(result).toEqual({ slept_ms: 40, resumed_from_ms: 0 });
  expect(coordinator.kindsOf(assignment)[0]).toBe("started");
});

test("wakes the coordinator over HTTP when nobody listens, and registers when somebody does", async () => {
  const { coordinator, env, adopt } = await createWorld();
  await coordinator.disappear();
  const agent = adopt(spawnAgent(env()));
  expect(await coordinator.wakes.until(() => true)).toEqual({
    url: "/v1/agents/wake",
    authorization: "Bearer agent-token",
  });
  await coordinator.appear();
  await agent.lines.until(({ msg }) => msg === "registered");
});

test("answers a roll call by registering again, with what it holds", async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  const assignment = newAssignment({ workload_type: "sleep", input: { duration_ms: 60_000 } });
  await coordinator.assign(workerId, assignment);
  coordinator.rollCall();
  const { payload } = await coordinator.untilMessage("worker.register", ({ payload }) => payload.held.length > 0);
  expect(payload.held).toEqual([
    { customer_id: assignment.customer_id, workload_id: assignment.workload_id, generation: 1 },
  ]);
});

test("drains on SIGTERM: checkpoint, hand back, goodbye, exit 0", async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId, kill, exited } = await agent();
  const assignment = newAssignment({ workload_type: "sleep", input: { duration_ms: 60_000, step_ms: 10 } });
  await coordinator.assign(workerId, assignment);
  await coordinator.untilCommitted("progress", assignment);
  kill("SIGTERM");
  await coordinator.untilCommitted("handed_back", assignment);
  await coordinator.untilMessage("worker.goodbye");
  expect(await exited).toBe(0);
  const kinds = coordinator.kindsOf(assignment);
  expect(kinds.indexOf("checkpoint")).toBeGreaterThan(0);
  expect(kinds.indexOf("checkpoint")).toBeLessThan(kinds.indexOf("handed_back"));
  await coordinator.untilMessage("worker.heartbeat", ({ payload }) => payload.status === "DRAINING");
});

test("drains on command, and refuses new work meanwhile", async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId, exited } = await agent();
  coordinator.onEvents = "unavailable";
  const running = newAssignment({ workload_type: "sleep", input: { duration_ms: 60_000, step_ms: 10 } });
  await coordinator.assign(workerId, running);
  await coordinator.command(workerId, { type: "drain", payload: {} });
  expect(await coordinator.assign(workerId, newAssignment())).toMatchObject([{ accepted: false, reason: "draining" }]);
  coordinator.onEvents = "answer";
  expect(await exited).toBe(0);
  expect(coordinator.kindsOf(running)).toContain("handed_back");
}, 30_000);

test("ends at once on a second signal", async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId, kill, exited, lines } = await agent();
  coordinator.onEvents = "silent";
  await coordinator.assign(workerId, newAssignment({ workload_type: "sleep", input: { duration_ms: 60_000 } }));
  kill("SIGTERM");
  await lines.until(({ msg }) => msg === "draining");
  kill("SIGTERM");
  expect(await exited).toBe(1);
});

test("gives up a drain that takes too long", async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId, kill, exited } = await agent({ NIYANTA_DRAIN_SECONDS: "0.2" });
  coordinator.onEvents = "silent";
  await coordinator.assign(workerId, newAssignment());
  kill("SIGTERM");
  expect(await exited).toBe(1);
});

test("an idle agent leaves at once on SIGINT", async () => {
  const { coordinator, agent } = await createWorld();
  const { kill, exited } = await agent();
  kill("SIGINT");
  expect(await exited).toBe(0);
  await coordinator.untilMessage("worker.goodbye");
});

test.each([
  [{ NIYANTA_SLOTS: "none" }, "NIYANTA_SLOTS"],
  [{ NIYANTA_NATS_URL: "http://127.0.0.1:1" }, "NIYANTA_NATS_URL"],
  [{ NIYANTA_COMMANDS: "/nowhere/commands.json" }, "/nowhere/commands.json"],
  [{ NIYANTA_WORKLOADS: "/nowhere/workloads.ts" }, "/nowhere/workloads.ts"],
])("a wrong setting ends it with 78 and the name of the setting: %o", async (env, named) => {
  const agent = spawnAgent({ NIYANTA_API_URL: "http://127.0.0.1:1", ...env });
  expect(await agent.exited).toBe(78);
  expect(agent.stderr()).toContain(named);
});
