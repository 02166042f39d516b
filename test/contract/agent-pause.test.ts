/** A pause of code that does not listen: it is ended by force, in every isolation, and told as paused all the same. */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Assignment } from "../../schema/messages/assignment.ts";
import { createWorld } from "../support/agent-world.ts";
import { newAssignment } from "../support/scripted-coordinator.ts";

const failsafeMs = 30_000;
const workloads = fileURLToPath(new URL("../unit/worker-agent/fixtures/workloads.ts", import.meta.url));
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "niyanta-agent-pause-"));
  const shell = { command: ["sh", "-c", 'eval "$NIYANTA_INPUT_SCRIPT"'], grace_seconds: 0.3 };
  await writeFile(join(folder, "commands.json"), JSON.stringify({ shell }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const pauseOf = ({ workload_id, generation }: Assignment) => ({
  type: "stop" as const,
  payload: { items: [{ workload_id, generation, why: "paused" as const }] },
});

test.for(["test.blocked", "test.deaf"])(
  "%s, in a thread, is paused without its help",
  { timeout: failsafeMs },
  async (type) => {
    const { coordinator, agent } = await createWorld();
    const { workerId } = await agent({ NIYANTA_WORKLOADS: workloads });
    const assignment = newAssignment({ workload_type: type });
    await coordinator.assign(workerId, assignment);
    await coordinator.untilCommitted("started", assignment);
    await coordinator.command(workerId, pauseOf(assignment));
    await coordinator.untilCommitted("paused", assignment);
  },
);

test("a process that ignores its signal is paused with the checkpoint that it saved last", {
  timeout: failsafeMs,
}, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent({ NIYANTA_COMMANDS: join(folder, "commands.json") });
  const script = `trap "" TERM
    echo '{"niyanta":"checkpoint","data":{"step":7}}'
    while :; do sleep 600; done`;
  const assignment = newAssignment({ workload_type: "shell", input: { script } });
  await coordinator.assign(workerId, assignment);
  await coordinator.untilCommitted("checkpoint", assignment);
  await coordinator.command(workerId, pauseOf(assignment));
  await coordinator.command(workerId, pauseOf(assignment));
  await coordinator.untilCommitted("paused", assignment);
  expect(coordinator.kindsOf(assignment).filter((kind) => kind === "paused")).toEqual(["paused"]);
});

test("an attempt that waits on the agent's own thread is let go of, though it never ends", {
  timeout: failsafeMs,
}, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent({ NIYANTA_WORKLOADS: workloads });
  const path = join(folder, "fifo");
  execFileSync("mkfifo", [path]);
  const assignment = newAssignment({ workload_type: "test.stuck-inline", input: { path } });
  await coordinator.assign(workerId, assignment);
  await coordinator.untilCommitted("progress", assignment);
  await coordinator.command(workerId, pauseOf(assignment));
  await coordinator.untilCommitted("paused", assignment);
});
