import { execFileSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { logLineBytesMax } from "../../../schema/limits.ts";
import { stateContent } from "../../../worker-agent/checkpoint/state.ts";
import { conclude } from "../../../worker-agent/execution/conclusion.ts";
import { ProcessRunner } from "../../../worker-agent/execution/process.ts";
import { ProcessGroups } from "../../../worker-agent/execution/process-groups.ts";
import type { Runner } from "../../../worker-agent/execution/running.ts";
import { conclusionOf, jobOf, RecordingHost } from "./fixtures/runs.ts";

const graceMs = 100;
const folder = mkdtempSync(join(tmpdir(), "niyanta-process-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("a process", () => {
  const env = { PATH: process.env.PATH };
  const sh = (script: string, more: { cwd?: string } = {}): Runner =>
    new ProcessRunner({ command: ["sh", "-c", script], graceMs, env, groups: new ProcessGroups(), ...more });
  const says = (message: object) => `echo '${JSON.stringify(message)}'`;

  test.each([
    ["exit 0", { kind: "completed", result: null }],
    ["exit 64", { kind: "failed", error: { kind: "permanent", type: "EXIT_64" } }],
    ["exit 65", { kind: "failed", error: { kind: "permanent", type: "EXIT_65" } }],
    ["exit 78", { kind: "failed", error: { kind: "permanent", type: "EXIT_78" } }],
    ["echo sorry >&2; exit 1", { kind: "failed", error: { kind: "transient", message: "exited with 1: sorry" } }],
    ["kill -9 $$", { kind: "failed", error: { kind: "transient", type: "SIGNAL_SIGKILL" } }],
  ])("ends as its exit says: %s", async (script, conclusion) => {
    expect(await conclusionOf(sh(script), jobOf("shell"))).toMatchObject(conclusion);
  });

  test("gets the input as JSON and its text fields one by one, and nothing else of the customer", async () => {
    const script =
      'echo "$NIYANTA_INPUT|$NIYANTA_INPUT_NAME|$NIYANTA_WORKLOAD_ID|$NIYANTA_ATTEMPT|$NIYANTA_FENCING_TOKEN|$PATHS"';
    const job = jobOf("shell", { name: "$(id)", PATHS: "x" });
    expect(await conclusionOf(sh(script), job)).toEqual({
      ...{ kind: "completed", result: '{"name":"$(id)","PATHS":"x"}|$(id)|wl_1|7|7|' },
    });
  });

  test("cannot be run when the command is missing, which another worker may do better", async () => {
    const runner = new ProcessRunner({ command: ["/no/such/program"], graceMs, env: {}, groups: new ProcessGroups() });
    expect(await conclusionOf(runner, jobOf("shell"))).toMatchObject({
      error: { kind: "transient", type: "COMMAND_UNAVAILABLE" },
    });
  });

  test("that exits in order when it is asked to stop, without a result, is not complete", async () => {
    const started = Promise.withResolvers<void>();
    const host = new RecordingHost();
    host.log = () => started.resolve();
    const running = sh('trap "exit 0" TERM; echo ready; while :; do sleep 0.01; done').start(jobOf("shell"), host);
    await started.promise;
    running.abort("draining");
    expect(conclude(await running.ended, "draining", null)).toEqual({ kind: "handed_back" });
  });

  test("refuses an input that no environment can hold", async () => {
    expect(await conclusionOf(sh("exit 0"), jobOf("shell", { text: "x".repeat(200_000) }))).toMatchObject({
      error: { kind: "permanent", type: "INVALID_INPUT" },
    });
  });

  test("is told when its message makes no sense, and goes on", async () => {
    const host = new RecordingHost();
    await conclusionOf(sh(`echo '{"niyanta":"progress","percent":400}'`), jobOf("shell"), host);
    expect(host.logged[0]).toMatch(/^warn a message was not understood/);
  });

  test.each([
    ["a NUL", "printf 'a\\0b\\n'", "a\ufffdb"],
    ["a megabyte", "head -c 1000000 /dev/zero | tr '\\0' x", "x".repeat(logLineBytesMax)],
  ])("is complete whatever its last line holds: %s", async (_name, script, result) => {
    expect(await conclusionOf(sh(script), jobOf("shell"))).toEqual({ kind: "completed", result });
  });

  test.each([
    ["a NUL", says({ niyanta: "result", data: "a\u0000b" })],
    [
      "depth without end",
      `node -e 'console.log("{\\"niyanta\\":\\"result\\",\\"data\\":" + "[".repeat(50000) + "]".repeat(50000) + "}")'`,
    ],
  ])("fails for good with a result message that cannot be kept: %s", async (_name, script) => {
    expect(await conclusionOf(sh(script), jobOf("shell"))).toMatchObject({
      error: { kind: "permanent", type: "RESULT_INVALID" },
    });
  });

  test("works in a folder of its own, where its checkpoint files are found, and which goes with it", async () => {
    const host = new RecordingHost();
    const script = `printf kept > state; ${says({ niyanta: "checkpoint", file: "state" })}; pwd`;
    const conclusion = await conclusionOf(sh(script), jobOf("shell"), host);
    expect(host.saved.map((state) => new TextDecoder().decode(stateContent(state)))).toEqual(["kept"]);
    const cwd = conclusion.kind === "completed" ? String(conclusion.result) : "";
    expect(cwd).not.toBe(process.cwd());
    expect(() => realpathSync(cwd)).toThrow("ENOENT");
  });

  test("works in the folder that its configuration names", async () => {
    const host = new RecordingHost();
    const script = `printf here > named; ${says({ niyanta: "checkpoint", file: "named" })}; pwd`;
    expect(await conclusionOf(sh(script, { cwd: folder }), jobOf("shell"), host)).toMatchObject({
      result: realpathSync(folder),
    });
    expect(host.saved.map((state) => new TextDecoder().decode(stateContent(state)))).toEqual(["here"]);
  });

  test.each([
    ["a FIFO", "mkfifo it", "it"],
    ["an endless device", ":", "/dev/zero"],
    ["a folder", "mkdir it", "it"],
    ["nothing", ":", "it"],
    ["more than is read", "truncate -s 300M it", "it"],
  ])("goes on when its checkpoint file is %s", async (_name, prepare, file) => {
    const host = new RecordingHost();
    const script = `${prepare}; ${says({ niyanta: "checkpoint", file })}; echo done`;
    expect(await conclusionOf(sh(script), jobOf("shell"), host)).toEqual({ kind: "completed", result: "done" });
    expect(host.logged).toContainEqual(expect.stringMatching(/^warn the checkpoint was not kept: /));
    expect(host.saved).toEqual([]);
  });

  test("that is ended by force does not wait for a checkpoint that nobody takes", async () => {
    const asked = Promise.withResolvers<void>();
    const host = new RecordingHost();
    host.save = () => {
      asked.resolve();
      return new Promise(() => undefined);
    };
    const script = `${says({ niyanta: "checkpoint", data: 1 })}; sleep 600`;
    const running = sh(script).start(jobOf("shell"), host);
    await asked.promise;
    running.kill();
    expect(await running.ended).toEqual({ kind: "killed" });
  });

  test("that has ended keeps its result when it is stopped while its checkpoint is on the way", async () => {
    const asked = Promise.withResolvers<void>();
    const path = join(folder, "alive");
    const host = new RecordingHost();
    host.save = () => {
      asked.resolve();
      return new Promise(() => undefined);
    };
    const script = `exec 9>${path}; flock 9; ${says({ niyanta: "checkpoint", data: 1 })}; ${says({ niyanta: "result", data: 42 })}; echo done`;
    const running = sh(script).start(jobOf("shell"), host);
    await asked.promise;
    execFileSync("flock", [path, "true"]);
    await host.untilLogged("info done");
    running.abort("draining");
    running.kill();
    expect(conclude(await running.ended, "draining", null)).toEqual({ kind: "completed", result: 42 });
  });
});
