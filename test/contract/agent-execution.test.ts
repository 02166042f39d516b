import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
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
  folder = await mkdtemp(join(tmpdir(), "niyanta-agent-test-"));
  const shell = { command: ["sh", "-c", 'eval "$NIYANTA_INPUT_SCRIPT"'], grace_seconds: 0.3 };
  await writeFile(join(folder, "commands.json"), JSON.stringify({ shell }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const withWorkloads = { NIYANTA_WORKLOADS: workloads };
const withShell = () => ({ NIYANTA_COMMANDS: join(folder, "commands.json") });
const stopOf = (assignment: { workload_id: ReturnType<typeof newAssignment>["workload_id"]; generation: number }) => ({
  type: "stop" as const,
  payload: {
    items: [{ workload_id: assignment.workload_id, generation: assignment.generation, why: "cancelled" as const }],
  },
});

test("an endless loop stops no heartbeat, and is ended by force after its grace", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld((scripted) => {
    scripted.heartbeatMs = 100;
  });
  const { workerId } = await agent(withWorkloads);
  const assignment = newAssignment({ workload_type: "test.blocked" });
  await coordinator.assign(workerId, assignment);
  await coordinator.untilCommitted("started", assignment);
  for (const _ of [1, 2, 3]) await coordinator.messages.next(({ type }) => type === "worker.heartbeat");
  await coordinator.command(workerId, stopOf(assignment));
  await coordinator.untilCommitted("released", assignment);
});

test("a workload that runs past its timeout fails with kind timeout", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  const assignment = newAssignment({ workload_type: "sleep", input: { duration_ms: 600_000 }, timeout_seconds: 1 });
  await coordinator.assign(workerId, assignment);
  const { error } = await coordinator.untilCommitted("failed", assignment);
  expect(error).toMatchObject({ kind: "timeout", type: "TIMEOUT" });
});

test("a bad input fails for good before any code runs", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  const assignment = newAssignment({ workload_type: "sleep", input: { duration_ms: "long" } });
  await coordinator.assign(workerId, assignment);
  const { error } = await coordinator.untilCommitted("failed", assignment);
  expect(error).toMatchObject({
    kind: "permanent",
    type: "INVALID_INPUT",
    message: expect.stringContaining("duration_ms"),
  });
});

test("a large checkpoint travels in chunks and comes back whole", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent(withWorkloads);
  const bytes = 10 * 1024 * 1024 - 8_192;
  const assignment = newAssignment({ workload_type: "test.save", input: { bytes } });
  await coordinator.assign(workerId, assignment);
  const { result } = await coordinator.untilCommitted("completed", assignment);
  expect(result).toEqual({ refused: null });
  const { checkpoint } = await coordinator.untilCommitted("checkpoint", assignment);
  expect(checkpoint).toMatchObject({ sequence: 1, chunks: 27 });
  const next = { ...assignment, generation: 2, checkpoint };
  await coordinator.assign(workerId, next);
  expect((await coordinator.untilCommitted("completed", next)).result).toEqual({ restored: bytes, first: 42 });
});

test("a checkpoint over the limit is refused to the workload, which goes on", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent(withWorkloads);
  const assignment = newAssignment({ workload_type: "test.save", input: { bytes: 10 * 1024 * 1024 + 1 } });
  await coordinator.assign(workerId, assignment);
  const { result } = await coordinator.untilCommitted("completed", assignment);
  expect(result).toEqual({ refused: "CHECKPOINT_TOO_LARGE" });
});

test("a damaged checkpoint starts nothing", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent(withWorkloads);
  const first = newAssignment({ workload_type: "test.save", input: { bytes: 100 } });
  await coordinator.assign(workerId, first);
  const { checkpoint } = await coordinator.untilCommitted("checkpoint", first);
  const next = { ...first, generation: 2, checkpoint: { ...checkpoint, sha256: "0".repeat(64) } };
  await coordinator.assign(workerId, next);
  const { error } = await coordinator.untilCommitted("failed", next);
  expect(error).toMatchObject({ kind: "transient", type: "CHECKPOINT_DAMAGED" });
  expect(coordinator.kindsOf(next)).not.toContain("started");
});

test("checkpoints are taken by progress, as the type's policy says", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent(withWorkloads);
  const assignment = newAssignment({ workload_type: "test.stages", checkpoint_progress_percent: 25 });
  await coordinator.assign(workerId, assignment);
  const { checkpoint } = await coordinator.untilCommitted("checkpoint", assignment);
  expect((await coordinator.untilCommitted("completed", assignment)).result).toEqual({ from: 0, done: 50 });
  const next = { ...assignment, generation: 2, checkpoint };
  await coordinator.assign(workerId, next);
  const { result } = await coordinator.untilCommitted("completed", next);
  expect(result).toMatchObject({ done: 50, from: expect.any(Number) });
  expect(result).not.toMatchObject({ from: 0 });
});

test("a workload that finishes while the worker drains is completed, not handed back", {
  timeout: failsafeMs,
}, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId, kill, exited } = await agent(withWorkloads);
  const assignment = newAssignment({ workload_type: "test.finish-anyway" });
  await coordinator.assign(workerId, assignment);
  await coordinator.untilCommitted("started", assignment);
  kill("SIGTERM");
  expect((await coordinator.untilCommitted("completed", assignment)).result).toEqual({ finished: "draining" });
  expect(await exited).toBe(0);
});

test("the command of the operator runs with the customer's input", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent(withShell());
  const script = 'echo hello; echo oops >&2; echo "{\\"niyanta\\":\\"progress\\",\\"percent\\":40}"; echo last word';
  const assignment = newAssignment({ workload_type: "shell", input: { script } });
  await coordinator.assign(workerId, assignment);
  expect((await coordinator.untilCommitted("completed", assignment)).result).toBe("last word");
  const logs = coordinator.committed.all.flatMap((event) => (event.kind === "logs" ? event.lines : []));
  expect(logs.map(({ message }) => message).toSorted()).toEqual(["hello", "last word", "oops"]);
  expect(await coordinator.untilCommitted("progress", assignment)).toMatchObject({ percent: 40 });
});

test("a log that comes too fast says what is missing, and has its end", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent(withShell());
  const assignment = newAssignment({ workload_type: "shell", input: { script: "seq 1 300000" } });
  await coordinator.assign(workerId, assignment);
  expect((await coordinator.untilCommitted("completed", assignment)).result).toBe("300000");
  const lines = coordinator.committed.all.flatMap((event) => (event.kind === "logs" ? event.lines : []));
  const drops = lines.filter(({ message }) => message.includes("log lines were dropped"));
  const dropped = drops.reduce((sum, { message }) => sum + Number.parseInt(message, 10), 0);
  expect(lines.at(-1)?.message).toBe("300000");
  expect(lines.length - drops.length + dropped).toBe(300_000);
});

test("a process resumes from the checkpoint that it wrote", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent(withShell());
  const script = `
    echo "{\\"niyanta\\":\\"result\\",\\"data\\":{\\"was\\":\\"$(cat "$NIYANTA_CHECKPOINT_FILE")\\"}}"
    printf "step $NIYANTA_ATTEMPT" > "$NIYANTA_CHECKPOINT_FILE.new"
    echo "{\\"niyanta\\":\\"checkpoint\\",\\"file\\":\\"$NIYANTA_CHECKPOINT_FILE.new\\"}"`;
  const assignment = newAssignment({ workload_type: "shell", input: { script: `${script}\nsleep 0.3` } });
  await coordinator.assign(workerId, assignment);
  expect((await coordinator.untilCommitted("completed", assignment)).result).toEqual({ was: "" });
  const { checkpoint } = await coordinator.untilCommitted("checkpoint", assignment);
  const next = { ...assignment, generation: 2, checkpoint };
  await coordinator.assign(workerId, next);
  expect((await coordinator.untilCommitted("completed", next)).result).toEqual({ was: "step 1" });
});

test("a cancelled process takes its children with it, though they ignore the signal", {
  timeout: failsafeMs,
}, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent(withShell());
  const script = 'trap "" TERM; sleep 600 & echo "child $!"; wait; wait';
  const assignment = newAssignment({ workload_type: "shell", input: { script } });
  await coordinator.assign(workerId, assignment);
  const { lines } = await coordinator.untilCommitted("logs", assignment);
  const child = Number(lines[0]?.message.replace("child ", ""));
  await coordinator.command(workerId, stopOf(assignment));
  await coordinator.untilCommitted("released", assignment);
  expect(isRunning(child)).toBe(false);
});

test("a second SIGTERM leaves no process behind", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId, kill, exited, lines } = await agent(withShell());
  const assignment = newAssignment({ workload_type: "shell", input: { script: 'trap "" TERM; echo "$$"; sleep 600' } });
  await coordinator.assign(workerId, assignment);
  const logged = await coordinator.untilCommitted("logs", assignment);
  kill("SIGTERM");
  await lines.until(({ msg }) => msg === "draining");
  kill("SIGTERM");
  expect(await exited).toBe(1);
  expect(isRunning(Number(logged.lines[0]?.message))).toBe(false);
});

test("a killed agent leaves no process behind", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId, kill, exited } = await agent(withShell());
  const path = join(folder, "killed");
  const assignment = newAssignment({ workload_type: "shell", input: { script: holdLock(path) } });
  await coordinator.assign(workerId, assignment);
  await coordinator.untilCommitted("logs", assignment);
  kill("SIGKILL");
  await exited;
  await whenUnlocked(path);
});

test("a frozen agent's processes end with its lease, and it stops the rest when it wakes", {
  timeout: failsafeMs,
}, async () => {
  const { coordinator, agent } = await createWorld((scripted) => {
    scripted.leaseMs = 1_000;
    scripted.heartbeatMs = 200;
  });
  const { workerId, kill } = await agent(withShell());
  const path = join(folder, "frozen");
  const inProcess = newAssignment({ workload_type: "shell", input: { script: holdLock(path) } });
  const inThread = newAssignment({ workload_type: "sleep", input: { duration_ms: 600_000, step_ms: 10 } });
  await coordinator.assign(workerId, inProcess, inThread);
  await coordinator.untilCommitted("logs", inProcess);
  await coordinator.untilCommitted("started", inThread);
  kill("SIGSTOP");
  await whenUnlocked(path);
  kill("SIGCONT");
  for (const assignment of [inProcess, inThread]) await coordinator.untilCommitted("released", assignment);
});

test("words are counted as wc counts them", { timeout: failsafeMs }, async () => {
  const { coordinator, agent } = await createWorld();
  const { workerId } = await agent();
  const path = join(folder, "text.txt");
  const line = "the  quick\tbrown fox\vjumps over\fthe lazy dog\r\n café naïve done the";
  await writeFile(path, `${`${line}\n`.repeat(5_000)}no newline at the end`);
  const assignment = newAssignment({ workload_type: "text.wordcount", input: { path } });
  await coordinator.assign(workerId, assignment);
  const { result } = await coordinator.untilCommitted("completed", assignment);
  const wc = execFileSync("wc", [path], { env: { LC_ALL: "C" } });
  const [lines, words, bytes] = wc.toString().trim().split(/\s+/).map(Number);
  expect(result).toMatchObject({ lines, words, bytes });
  expect(result).toMatchObject({ top: expect.arrayContaining([{ word: "the", count: 15_001 }]) });
});

/** A script that holds a lock for as long as any process of it lives. */
const holdLock = (path: string) => `exec 9>${path}; flock 9; echo locked; sleep 600`;

/** Resolves when nobody holds the lock any more. */
async function whenUnlocked(path: string): Promise<void> {
  const [code] = await once(spawn("flock", [path, "true"]), "exit");
  expect(code).toBe(0);
}

/** A zombie still has a pid but runs no more. */
function isRunning(pid: number): boolean {
  try {
    const state = execFileSync("ps", ["-o", "stat=", "-p", String(pid)]).toString();
    return !state.startsWith("Z");
  } catch {
    return false;
  }
}
