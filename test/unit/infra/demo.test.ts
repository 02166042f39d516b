/** What the demo concludes from what it saw, and how it shows it. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeChapter } from "../../../infra/local/demo/book.ts";
import type { AuditEvent } from "../../../infra/local/demo/client.ts";
import { type Evidence, findFault, measure } from "../../../infra/local/demo/evidence.ts";
import { demoFolderName, isLeftover, removeLeftovers } from "../../../infra/local/demo/folder.ts";
import { isFancy } from "../../../infra/local/demo/looks.ts";
import { PlainProgress } from "../../../infra/local/demo/plain-progress.ts";
import { tableLines, trailRows } from "../../../infra/local/demo/trail.ts";
import { countByHand, readWc } from "../../../infra/local/demo/word-counts.ts";
import { workloadViewSchema } from "../../../schema/http/workload.ts";
import { createIdSource } from "../../../schema/ids.ts";

const beginning = Date.parse("2026-01-01T00:00:00Z");
const ids = createIdSource(
  () => beginning,
  () => 0.5,
);
const [first, second] = [ids.worker(), ids.worker()];
const counts = { lines: 10, words: 100, bytes: 1_000 };

type Detail = AuditEvent["details"];

const event = (at: number, type: string, actor: string, generation: number, details: Detail = {}): AuditEvent => ({
  event_id: `${at}`,
  event_type: `workload.${type}`,
  timestamp: new Date(beginning + at * 1_000).toISOString(),
  actor_type: actor === "coordinator" ? "coordinator" : "worker",
  actor_id: actor,
  generation,
  details,
});

const trail: AuditEvent[] = [
  event(0, "created", "coordinator", 0),
  event(1, "scheduled", "coordinator", 1, { worker_id: first }),
  event(2, "started", first, 1),
  event(3, "checkpoint_created", first, 1, { sequence: 1, bytes: 10 }),
  event(4, "progress_updated", first, 1, { percent: 40.5, message: null }),
  event(5, "checkpoint_created", first, 1, { sequence: 3, bytes: 10 }),
  event(12, "redistributed", "coordinator", 1, { worker_id: first, reason: "worker lost" }),
  event(13, "scheduled", "coordinator", 2, { worker_id: second }),
  event(14, "started", second, 2),
  event(20, "completed", second, 2),
];

const time = new Date(beginning).toISOString();
const final = workloadViewSchema.parse({
  workload_id: ids.workload(),
  customer_id: ids.customer(),
  workload_type: "text.wordcount",
  status: "COMPLETED",
  pool: "default",
  labels: {},
  result_data: { ...counts, top: [] },
  ...{ priority: 10, progress_percent: 100, retry_count: 0, death_count: 1, generation: 2, checkpoint_sequence: 3 },
  ...{ progress_message: null, worker_id: null, input_params: null, error: null, affinity_rules: null },
  ...{ timeout_seconds: null, run_at: null, scheduled_at: null, started_at: null, completed_at: null },
  ...{ retry_of: null, pending_action: null, created_at: time, updated_at: time, estimated_completion_time: null },
});

const evidence: Evidence = {
  expected: counts,
  killed: { worker: first, at: beginning + 6_000, percent: 53 },
  resumedPercent: 50,
  final,
  events: trail,
};
const without = (type: string) => trail.filter(({ event_type }) => event_type !== `workload.${type}`);

describe("the measures", () => {
  it("split the time from the kill into detecting it and starting again", () => {
    expect(measure(evidence)).toEqual({ detectMs: 6_000, restartMs: 2_000, checkpoint: 3, bytesTwice: 30 });
  });

  it("are none when the work was never taken over", () => {
    expect(measure({ ...evidence, events: trail.slice(0, 6) })).toBeNull();
  });
});

describe("the verdict", () => {
  it("finds no fault where every promise was kept", () => {
    expect(findFault(evidence)).toBeNull();
  });

  it.each<[string, Partial<Evidence>, RegExp]>([
    ["failed", { final: { ...final, status: "FAILED", error: { type: "X", message: "y" } } }, /FAILED \(X: y\)/],
    ["counted wrongly", { expected: { ...counts, words: 99 } }, /result differs.*expected 10 lines, 99 words/],
    ["has no counts", { final: { ...final, result_data: null } }, /no counts/],
    ["had one worker only", { final: { ...final, generation: 1 } }, /second worker/],
    ["began from the start", { events: without("checkpoint_created") }, /no checkpoint/],
    ["has no beginning in its trail", { events: without("created") }, /lacks its beginning/],
    ["has no end in its trail", { events: without("completed") }, /lacks its end/],
    ["has no placement in its trail", { events: without("scheduled") }, /lacks a placement/],
    ["was completed by the dead", { killed: { ...evidence.killed, worker: second } }, /lacks the second worker/],
  ])("says so when the workload %s", (_, change, words) => {
    expect(findFault({ ...evidence, ...change })).toMatch(words);
  });
});

describe("the table of the audit trail", () => {
  const names = new Map<string, string>([
    [first, "agent 1"],
    [second, "agent 2"],
  ]);

  it("folds neighbouring progress and checkpoints into one row", () => {
    const rows = trailRows(trail, names);
    expect(rows).toHaveLength(8);
    expect(rows[3]).toEqual({
      at: "+3.00 s",
      event: "progress, checkpoints",
      by: "agent 1",
      words: "3 events, checkpoint 1 to 3, progress 40 %",
    });
  });

  it("calls workers by their names, and keeps its columns straight", () => {
    const lines = tableLines(trailRows(trail, names));
    expect(lines[5]).toMatch(/\+12\.00 s {2}redistributed +coordinator {2}taken from agent 1: worker lost$/);
    const starts = lines.map((line) => line.search(/details|accepted|given to agent 1|taken/)).filter((at) => at >= 0);
    expect(new Set(starts).size).toBe(1);
  });
});

describe("the output", () => {
  const terminal = { argv: [], env: { TERM: "xterm" }, isTty: true };

  it("moves only on a terminal that was not asked to be plain", () => {
    expect(isFancy(terminal)).toBe(true);
    expect(isFancy({ ...terminal, isTty: false })).toBe(false);
    expect(isFancy({ ...terminal, argv: ["--no-color"] })).toBe(false);
    expect(isFancy({ ...terminal, env: { CI: "true" } })).toBe(false);
    expect(isFancy({ ...terminal, env: { NO_COLOR: "1" } })).toBe(false);
    expect(isFancy({ ...terminal, env: { TERM: "dumb" } })).toBe(false);
  });

  it("has one plain line for each ten percent", () => {
    const shown: number[] = [];
    const progress = new PlainProgress((percent) => shown.push(percent));
    for (const percent of [0, 3, 9.9, 10, 14, 35, 36, 100]) progress.show(percent, "");
    expect(shown).toEqual([0, 10, 30, 100]);
  });
});

describe("files", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "niyanta-unit-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it("reads what wc prints", () => {
    expect(readWc("  661650  9250100 52665341 /tmp/a book.txt\n")).toEqual({
      lines: 661_650,
      words: 9_250_100,
      bytes: 52_665_341,
    });
  });

  it("counts by hand as wc does, the last word without a line feed too", async () => {
    const path = join(root, "text");
    writeFileSync(path, "one two\n\tthree\u000bfour  \nfive");
    expect(await countByHand(path, AbortSignal.timeout(10_000))).toEqual({ lines: 2, words: 5, bytes: 26 });
  });

  it("makes the same chapter in every run", () => {
    expect(makeChapter(500)).toBe(makeChapter(500));
    expect(makeChapter(500).split(/\s+/).length).toBeGreaterThan(499);
  });

  it("knows the folder of a demo that is gone from that of one that runs, and from anything else", () => {
    expect(isLeftover("niyanta-demo-4194304999-0123456789ab")).toBe(true);
    expect(isLeftover(demoFolderName(process.pid))).toBe(false);
    expect(isLeftover(`niyanta-demo-${process.pid}-0123456789ab`)).toBe(true);
    expect(isLeftover("niyanta-demo-notes")).toBe(false);
  });

  it("removes what a killed demo left, and nothing else", async () => {
    for (const name of ["niyanta-demo-4194304999-0123456789ab", demoFolderName(process.pid), "mine"]) {
      mkdirSync(join(root, name));
    }
    await removeLeftovers(root);
    expect(readdirSync(root).sort()).toEqual(["mine", demoFolderName(process.pid)].sort());
  });
});
