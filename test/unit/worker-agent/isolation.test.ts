import { afterEach, describe, expect, test } from "vitest";
import { serialiseState } from "../../../worker-agent/checkpoint/state.ts";
import { conclude } from "../../../worker-agent/execution/conclusion.ts";
import { importDefinitions } from "../../../worker-agent/execution/definitions.ts";
import { InlineRunner } from "../../../worker-agent/execution/inline.ts";
import { ProcessRunner } from "../../../worker-agent/execution/process.ts";
import { ProcessGroups } from "../../../worker-agent/execution/process-groups.ts";
import type { Host, Job, Runner } from "../../../worker-agent/execution/running.ts";
import { ThreadRunner } from "../../../worker-agent/execution/thread.ts";
import { ThreadPool } from "../../../worker-agent/execution/thread-pool.ts";

const module = new URL("./fixtures/workloads.ts", import.meta.url).href;
const graceMs = 100;
const pools: ThreadPool[] = [];

afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

const jobOf = (workloadType: string, input: Job["input"] = {}, state: Uint8Array | null = null): Job => ({
  ...{ workloadId: "wl_1", generation: 7, workloadType, input, config: { colour: "red" }, state },
});

class RecordingHost implements Host {
  readonly progressed: number[] = [];
  readonly logged: string[] = [];
  readonly saved: Uint8Array[] = [];
  progress(percent: number) {
    this.progressed.push(percent);
  }
  log(level: string, message: string, details?: unknown) {
    this.logged.push(`${level} ${message}${details === undefined ? "" : ` ${JSON.stringify(details)}`}`);
  }
  async save(state: Uint8Array) {
    this.saved.push(state);
  }
}

function threads(): ThreadPool {
  const pool = new ThreadPool({ PATH: process.env.PATH });
  pools.push(pool);
  return pool;
}

const inThread = (memoryMb: number | null = null): Runner =>
  new ThreadRunner({ pool: threads(), module, memoryMb, graceMs });

async function inline(type: string): Promise<Runner> {
  const definition = (await importDefinitions(module)).find((one) => one.type === type);
  if (definition === undefined) throw new Error(`no fixture ${type}`);
  return new InlineRunner(definition, graceMs);
}

async function conclusionOf(runner: Runner, job: Job, host = new RecordingHost()) {
  return conclude(await runner.start(job, host).ended, null, null);
}

describe.each([
  ["inline", inline],
  ["thread", async () => inThread()],
] as const)("a workload run %s", (_name, runnerFor) => {
  test("is given its input, config, checkpoint and fencing token", async () => {
    const job = jobOf("test.echo", { value: [1] }, serialiseState({ at: 3 }));
    expect(await conclusionOf(await runnerFor("test.echo"), job)).toEqual({
      kind: "completed",
      result: { value: [1], config: { colour: "red" }, checkpoint: { at: 3 }, fencingToken: 7, attempt: 7 },
    });
  });

  test.each([
    ["permanent", { kind: "permanent", type: "PermanentError", message: "never again" }],
    ["transient", { kind: "transient", type: "TransientError", message: "later", retry_after_ms: 1_500 }],
    ["plain", { kind: "transient", type: "RangeError", message: "out of range" }],
    ["nothing", { kind: "transient", type: "Error", message: "undefined" }],
  ])("fails with the class of what it threw: %s", async (kind, error) => {
    const runner = await runnerFor("test.throw");
    expect(await conclusionOf(runner, jobOf("test.throw", { kind }))).toEqual({ kind: "failed", error });
  });

  test.each([
    ["large", "RESULT_TOO_LARGE"],
    ["function", "RESULT_INVALID"],
    ["cycle", "RESULT_INVALID"],
    ["nul", "RESULT_INVALID"],
    ["surrogate", "RESULT_INVALID"],
    ["proto", "RESULT_INVALID"],
  ])("fails for good with a result that cannot be kept: %s", async (kind, type) => {
    const runner = await runnerFor("test.result");
    expect(await conclusionOf(runner, jobOf("test.result", { kind }))).toMatchObject({
      kind: "failed",
      error: { kind: "permanent", type },
    });
  });

  test("may say that its result is partial, or give none", async () => {
    const runner = await runnerFor("test.result");
    expect(await conclusionOf(runner, jobOf("test.result", { kind: "partial" }))).toEqual({
      ...{ kind: "completed", result: { failed: [2] }, partial: true },
    });
    expect(await conclusionOf(runner, jobOf("test.result", { kind: "none" }))).toEqual({
      kind: "completed",
      result: null,
    });
  });

  test("runs none of its code on a bad input", async () => {
    expect(await conclusionOf(await runnerFor("test.throw"), jobOf("test.throw", { kind: "no such" }))).toMatchObject({
      error: { kind: "permanent", type: "INVALID_INPUT" },
    });
  });

  test("goes through its stages, gives its state when asked, and closes when aborted", async () => {
    const runner = await runnerFor("test.stages");
    const host = new RecordingHost();
    const reported = Promise.withResolvers<void>();
    host.progress = () => reported.resolve();
    const running = runner.start(jobOf("test.stages", {}, serialiseState({ done: 5 })), host);
    await reported.promise;
    const state = await running.state();
    expect(new TextDecoder().decode(state?.subarray(1))).toMatch(/^{"done":\d+}$/);
    running.abort("paused");
    expect(conclude(await running.ended, "paused", null)).toEqual({ kind: "paused" });
  });
});

describe("a thread", () => {
  test("ships what is logged and what is printed", async () => {
    const host = new RecordingHost();
    await conclusionOf(inThread(), jobOf("test.talk"), host);
    expect(host.logged).toEqual(['info with details {"rows":3}', "info printed", "error a\u0000b \ud800"]);
    expect(host.progressed.at(-1)).toBe(100);
  });

  test.each([
    ["exit", "THREAD_EXITED"],
    ["memory", "OUT_OF_MEMORY"],
    ["stray", "Error"],
  ])("that dies is a transient error: %s", async (kind, type) => {
    expect(await conclusionOf(inThread(32), jobOf("test.throw", { kind }))).toMatchObject({
      error: { kind: "transient", type },
    });
  });

  test("that is blocked is ended by force", async () => {
    const running = inThread().start(jobOf("test.blocked"), new RecordingHost());
    running.abort("cancelled");
    running.kill();
    expect(await running.ended).toEqual({ kind: "killed" });
  });

  test("is used again after a clean end", async () => {
    const pool = threads();
    const runner = new ThreadRunner({ pool, module, memoryMb: null, graceMs });
    await conclusionOf(runner, jobOf("test.echo", {}));
    const reused = pool.take(null);
    expect(reused.threadId).toBeGreaterThan(0);
    pool.give(reused);
    await conclusionOf(runner, jobOf("test.echo", {}));
    expect(pool.take(null).threadId).toBe(reused.threadId);
    await reused.terminate();
  });
});

describe("a process", () => {
  const sh = (script: string, env: NodeJS.ProcessEnv = { PATH: process.env.PATH }): Runner =>
    new ProcessRunner({ command: ["sh", "-c", script], graceMs, env, groups: new ProcessGroups() });

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
});
