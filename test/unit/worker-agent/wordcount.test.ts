import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { ThreadRunner } from "../../../worker-agent/execution/thread.ts";
import { ThreadPool } from "../../../worker-agent/execution/thread-pool.ts";
import { builtinModules } from "../../../worker-agent/workloads/builtin.ts";
import { conclusionOf, jobOf } from "./fixtures/runs.ts";

const folder = mkdtempSync(join(tmpdir(), "niyanta-wordcount-test-"));
const pool = new ThreadPool({});
afterEach(() => pool.close());
afterAll(() => rmSync(folder, { recursive: true }));

test("refuses for good, at once, what is not a file: a FIFO, a device, a folder, nothing", async () => {
  const module = builtinModules.find((url) => url.endsWith("wordcount.ts")) ?? "";
  const runner = new ThreadRunner({ pool, module, memoryMb: null, graceMs: 100 });
  const fifo = join(folder, "fifo");
  execFileSync("mkfifo", [fifo]);
  for (const path of [fifo, "/dev/zero", folder, join(folder, "nothing")]) {
    expect(await conclusionOf(runner, jobOf("text.wordcount", { path }))).toMatchObject({
      error: { kind: "permanent", message: expect.stringContaining(path) },
    });
  }
});
