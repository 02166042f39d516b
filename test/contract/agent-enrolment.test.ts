/** The real agent and its credentials: fetched first, renewed while it works, and missed without losing anything. */
import { expect, test } from "vitest";
import { spawnAgent } from "../support/agent-process.ts";
import { createWorld } from "../support/agent-world.ts";
import { newAssignment } from "../support/scripted-coordinator.ts";

const failsafeMs = 60_000;
const shortSeconds = 2;
/** Renewed after two thirds of their life at the latest, so this many span more than two lives. */
const renewals = 5;
const longSleep = { workload_type: "sleep", input: { duration_ms: 600_000, step_ms: 10 } };

test("renews its credentials under a running workload, which does not notice", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld((scripted) => {
    scripted.credentialSeconds = shortSeconds;
  });
  const { workerId } = await agent();
  const assignment = newAssignment(longSleep);
  await coordinator.assign(workerId, assignment);
  await coordinator.enrolments.until(() => coordinator.enrolments.all.length >= renewals);
  const [first] = coordinator.enrolments.all;
  expect(first).toMatchObject({ pool: "default", worker_id: workerId });
  expect(new Set(coordinator.enrolments.all.map(({ public_key }) => public_key)).size).toBe(1);
  expect(coordinator.messages.all.filter(({ type }) => type === "worker.register")).toHaveLength(1);
  const items = [{ workload_id: assignment.workload_id, generation: 1, why: "cancelled" as const }];
  await coordinator.command(workerId, { type: "stop", payload: { items } });
  await coordinator.untilCommitted("released", assignment);
  const later = newAssignment();
  await coordinator.assign(workerId, later);
  await coordinator.untilCommitted("completed", later);
});

test("is put out when its credentials expire, and comes back with its work as soon as it has others", {
  timeout: failsafeMs,
}, async () => {
  const { coordinator, agent } = await createWorld((scripted) => {
    scripted.credentialSeconds = shortSeconds;
  });
  const { workerId, lines } = await agent();
  const assignment = newAssignment({ workload_type: "sleep", input: { duration_ms: 10_000, step_ms: 10 } });
  await coordinator.assign(workerId, assignment);
  await coordinator.untilCommitted("started", assignment);
  coordinator.onEnrol = 403;
  await lines.until(({ msg }) => msg === "the broker does not take these credentials any more");
  const again = coordinator.messages.next(({ type }) => type === "worker.register");
  coordinator.onEnrol = 200;
  expect(await again).toMatchObject({ payload: { held: [{ workload_id: assignment.workload_id }] } });
  const { percent } = await coordinator.untilCommitted("progress", assignment);
  expect(percent).toBeGreaterThan(0);
});

test("asks for credentials until the control plane has some", { timeout: failsafeMs }, async () => {
  const { coordinator, env, adopt } = await createWorld((scripted) => {
    scripted.onEnrol = 503;
  });
  const agent = adopt(spawnAgent(env()));
  await coordinator.enrolments.until(() => coordinator.enrolments.all.length > 1);
  coordinator.onEnrol = 200;
  await agent.lines.until(({ msg }) => msg === "registered");
});

test.each([401, 403])("ends with 78 and the reason when it is refused at the start: %i", async (status) => {
  const { env, adopt } = await createWorld((scripted) => {
    scripted.onEnrol = status;
  });
  const agent = adopt(spawnAgent(env()));
  expect(await agent.exited).toBe(78);
  expect(agent.stderr()).toContain(`${status} not today`);
  expect(agent.stderr()).toContain("NIYANTA_AGENT_TOKEN");
});

test("leaves in order while it still waits for credentials", { timeout: failsafeMs }, async () => {
  const { coordinator, env, adopt } = await createWorld((scripted) => {
    scripted.onEnrol = 503;
  });
  const agent = adopt(spawnAgent(env()));
  await coordinator.enrolments.until(() => true);
  agent.kill("SIGTERM");
  expect(await agent.exited).toBe(0);
});
