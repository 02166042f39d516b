import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createWorld } from "../support/agent-world.ts";
import { newAssignment } from "../support/scripted-coordinator.ts";

const failsafeMs = 30_000;
const workloads = fileURLToPath(new URL("../unit/worker-agent/fixtures/workloads.ts", import.meta.url));
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "niyanta-exit-test-"));
  execFileSync("mkfifo", [join(folder, "fifo")]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** An agent with a workload that no signal and no termination of its thread can reach. */
async function stuck(type: "test.stuck" | "test.stuck-inline") {
  const { coordinator, agent } = await createWorld();
  const running = await agent({ NIYANTA_WORKLOADS: workloads });
  const assignment = newAssignment({ workload_type: type, input: { path: join(folder, "fifo") } });
  await coordinator.assign(running.workerId, assignment);
  await coordinator.untilCommitted("progress", assignment);
  return { coordinator, assignment, ...running };
}

test.each(["test.stuck", "test.stuck-inline"] as const)(
  "a second SIGTERM ends an agent though a system call of a workload never returns: %s",
  async (type) => {
    const { kill, lines, exited, child } = await stuck(type);
    kill("SIGTERM");
    await lines.until(({ msg }) => msg === "draining");
    kill("SIGTERM");
    await exited;
    expect(child.signalCode).toBe("SIGKILL");
  },
  failsafeMs,
);

test(
  "a drain hands back a workload whose thread cannot be ended, and the agent leaves",
  async () => {
    const { coordinator, assignment, kill, exited, child } = await stuck("test.stuck");
    kill("SIGTERM");
    await coordinator.untilCommitted("handed_back", assignment);
    await coordinator.untilMessage("worker.goodbye");
    await exited;
    expect(child.signalCode).toBe("SIGKILL");
  },
  failsafeMs,
);

test(
  "an error that nobody handles ends the agent with 70, and its processes with it; what they did is not reported",
  async () => {
    const commands = join(folder, "commands.json");
    await writeFile(commands, JSON.stringify({ shell: { command: ["sh", "-c", 'eval "$NIYANTA_INPUT_SCRIPT"'] } }));
    const { coordinator, agent } = await createWorld();
    const { workerId, exited } = await agent({ NIYANTA_WORKLOADS: workloads, NIYANTA_COMMANDS: commands });
    const lock = join(folder, "lock");
    const script = `exec 9>${lock}; flock 9; echo locked; sleep 600`;
    const inProcess = newAssignment({ workload_type: "shell", input: { script } });
    await coordinator.assign(workerId, inProcess);
    await coordinator.untilCommitted("logs", inProcess);
    await coordinator.assign(workerId, newAssignment({ workload_type: "test.stray-inline" }));
    expect(await exited).toBe(70);
    execFileSync("flock", [lock, "true"]);
    expect(coordinator.kindsOf(inProcess)).toEqual(["started", "logs"]);
  },
  failsafeMs,
);
