import { afterEach, describe, expect, test } from "vitest";
import { serialiseState } from "../../../worker-agent/checkpoint/state.ts";
import { conclude } from "../../../worker-agent/execution/conclusion.ts";
import { importDefinitions } from "../../../worker-agent/execution/definitions.ts";
import { InlineRunner } from "../../../worker-agent/execution/inline.ts";
import type { Runner } from "../../../worker-agent/execution/running.ts";
import { ThreadRunner } from "../../../worker-agent/execution/thread.ts";
import { ThreadPool } from "../../../worker-agent/execution/thread-pool.ts";
import { conclusionOf, jobOf, RecordingHost } from "./fixtures/runs.ts";

const module = new URL("./fixtures/workloads.ts", import.meta.url).href;
const graceMs = 100;
const pools: ThreadPool[] = [];

afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

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
