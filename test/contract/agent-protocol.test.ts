import { expect, test } from "vitest";
import { createWorld } from "../support/agent-world.ts";
import { newAssignment } from "../support/scripted-coordinator.ts";

const longSleep = { workload_type: "sleep", input: { duration_ms: 600_000, step_ms: 10 } };
const failsafeMs = 30_000;

test("repeats the same events until they are committed", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  coordinator.onEvents = "unavailable";
  const assignment = newAssignment();
  await coordinator.assign(workerId, assignment);
  const first = await coordinator.events.until(({ kind }) => kind === "completed");
  const again = await coordinator.events.next(({ kind }) => kind === "completed");
  expect(again).toEqual(first);
  coordinator.onEvents = "answer";
  await coordinator.untilCommitted("completed", assignment);
  expect(coordinator.kindsOf(assignment)).toEqual(["started", "completed"]);
});

test("keeps its events while the coordinator is away, and calls for it", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  const assignment = newAssignment({ workload_type: "sleep", input: { duration_ms: 200, step_ms: 10 } });
  await coordinator.assign(workerId, assignment);
  await coordinator.disappear();
  await coordinator.wakes.until(() => true);
  await coordinator.appear();
  await coordinator.untilCommitted("completed", assignment);
});

test("outlives the loss of the broker and all that it knew", { timeout: failsafeMs }, async () => {
  const { nats, coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  const assignment = newAssignment({ workload_type: "sleep", input: { duration_ms: 300, step_ms: 10 } });
  await coordinator.assign(workerId, assignment);
  await coordinator.untilCommitted("started", assignment);
  await nats.kill();
  await nats.start();
  await coordinator.untilCommitted("completed", assignment);
});

test("does not start an assignment twice", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  const assignment = newAssignment();
  for (const _ of [1, 2]) expect(await coordinator.assign(workerId, assignment)).toMatchObject([{ accepted: true }]);
  await coordinator.untilCommitted("completed", assignment);
  expect(await coordinator.assign(workerId, assignment)).toMatchObject([{ accepted: true }]);
  const later = newAssignment({ customer_id: assignment.customer_id });
  await coordinator.assign(workerId, later);
  await coordinator.untilCommitted("completed", later);
  expect(coordinator.kindsOf(assignment)).toEqual(["started", "completed"]);
});

test("says why it does not take an assignment", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent({ NIYANTA_SLOTS: "1" });
  expect(await coordinator.assign(workerId, newAssignment({ workload_type: "unheard.of" }))).toMatchObject([
    { accepted: false, reason: "unknown_type" },
  ]);
  const running = newAssignment({ ...longSleep, generation: 5 });
  await coordinator.assign(workerId, running);
  const answers = await coordinator.assign(workerId, { ...running, generation: 4 }, newAssignment());
  expect(answers.map(({ reason }) => reason)).toEqual(["stale_generation", "no_slot"]);
});

test("a newer generation starts only when the older attempt has ended", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent({ NIYANTA_SLOTS: "1" });
  const older = newAssignment(longSleep);
  await coordinator.assign(workerId, older);
  await coordinator.untilCommitted("started", older);
  const newer = { ...older, generation: 2, input: { duration_ms: 20 } };
  expect(await coordinator.assign(workerId, newer)).toMatchObject([{ accepted: true }]);
  await coordinator.untilCommitted("released", older);
  await coordinator.untilCommitted("completed", newer);
});

test("a cancelled attempt ends and is released", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  const assignment = newAssignment(longSleep);
  await coordinator.assign(workerId, assignment);
  await coordinator.untilCommitted("started", assignment);
  const items = [{ workload_id: assignment.workload_id, generation: 1, why: "cancelled" as const }];
  expect(await coordinator.command(workerId, { type: "stop", payload: { items } })).toEqual({
    type: "ok",
    payload: {},
  });
  await coordinator.untilCommitted("released", assignment);
  expect(coordinator.kindsOf(assignment).at(-1)).toBe("released");
});

test("a paused attempt saves its state first, and the next one goes on from there", {
  timeout: failsafeMs,
}, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  const assignment = newAssignment(longSleep);
  await coordinator.assign(workerId, assignment);
  await coordinator.untilCommitted("progress", assignment);
  const items = [{ workload_id: assignment.workload_id, generation: 1, why: "paused" as const }];
  await coordinator.command(workerId, { type: "stop", payload: { items } });
  await coordinator.untilCommitted("paused", assignment);
  const { checkpoint } = await coordinator.untilCommitted("checkpoint", assignment);
  const resumed = { ...assignment, generation: 3, checkpoint, input: { duration_ms: 1, step_ms: 10 } };
  await coordinator.assign(workerId, resumed);
  const { result } = await coordinator.untilCommitted("completed", resumed);
  expect(result).toMatchObject({ resumed_from_ms: expect.any(Number) });
  expect(result).not.toMatchObject({ resumed_from_ms: 0 });
});

test("an attempt that is fenced in an answer stops, and its slot is freed", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent({ NIYANTA_SLOTS: "1" });
  const assignment = newAssignment(longSleep);
  coordinator.judge = ({ kind }) => (kind === "progress" ? "fenced" : null);
  await coordinator.assign(workerId, assignment);
  await coordinator.untilCommitted("released", assignment);
  expect(await coordinator.assign(workerId, newAssignment())).toMatchObject([{ accepted: true }]);
});

test("an attempt that is fenced in a heartbeat's answer stops", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld((scripted) => {
    scripted.heartbeatMs = 100;
  });
  const { workerId } = await agent();
  const assignment = newAssignment(longSleep);
  await coordinator.assign(workerId, assignment);
  await coordinator.untilCommitted("started", assignment);
  const { customer_id, workload_id } = assignment;
  coordinator.fenced.push({ customer_id, workload_id, generation: 1 });
  await coordinator.untilCommitted("released", assignment);
});

test("without acknowledged heartbeats it stops what it runs, though it could go on", {
  timeout: failsafeMs,
}, async () => {
  const { coordinator, agent } = await createWorld((scripted) => {
    scripted.leaseMs = 1_000;
    scripted.heartbeatMs = 200;
    scripted.onHeartbeat = "silent";
  });
  const { workerId, lines } = await agent();
  const assignment = newAssignment(longSleep);
  await coordinator.assign(workerId, assignment);
  await lines.until(({ msg }) => msg.startsWith("no heartbeat was acknowledged"));
  await coordinator.untilCommitted("released", assignment);
  await coordinator.untilMessage("worker.register", ({ payload }) => payload.held.length > 0);
});

test("one bad event in a batch harms only itself", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  coordinator.onEvents = "invalid";
  const assignment = newAssignment();
  await coordinator.assign(workerId, assignment);
  const failed = coordinator.events.next(({ kind }) => kind === "failed");
  expect(await failed).toMatchObject({ error: { kind: "permanent", type: "RESULT_INVALID" } });
});

test("a result that the coordinator refuses is told as a failure, and the slot is free", {
  timeout: failsafeMs,
}, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent({ NIYANTA_SLOTS: "1" });
  coordinator.judge = ({ kind }) => (kind === "completed" ? "refused" : null);
  const assignment = newAssignment();
  await coordinator.assign(workerId, assignment);
  const { error } = await coordinator.untilCommitted("failed", assignment);
  expect(error).toMatchObject({ kind: "permanent", type: "RESULT_INVALID" });
  expect(await coordinator.assign(workerId, newAssignment())).toMatchObject([{ accepted: true }]);
});

test("a message that nobody can read is answered with an error, and the agent goes on", {
  timeout: failsafeMs,
}, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  const reply = await coordinator.commandRaw(workerId, new TextEncoder().encode("{nonsense"));
  expect(new TextDecoder().decode(reply)).toContain('"invalid"');
  expect(await coordinator.assign(workerId, newAssignment())).toMatchObject([{ accepted: true }]);
});
