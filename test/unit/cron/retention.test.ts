/** A run of the retention: everything that is too old, as long as there is time, whatever fails. */
import { beforeEach, expect, it } from "vitest";
import { retain } from "../../../functions/cron/retention.ts";
import { type Kept, keptKinds } from "../../../functions/domain/retention.ts";
import { createLog } from "../../../functions/telemetry/log.ts";
import { retentionRunSecondsMax } from "../../../schema/limits.ts";

const now = Date.UTC(2030, 0, 1);
const terms = { idempotency_keys: 1_000, logs: 2_000, workers: 3_000, workloads: 4_000, audit: 5_000 };

let at: number;
let asked: { kind: Kept; before: number }[];
let lines: Record<string, unknown>[];
beforeEach(() => {
  at = now;
  asked = [];
  lines = [];
});

/** `left`: rows of each kind that are too old, dropped one a time. */
const run = (left: Partial<Record<Kept, number>>, tookMs = 0, broken: Kept | null = null) =>
  retain({
    terms,
    clock: () => at,
    log: createLog({ level: "info", clock: () => at, write: (line) => lines.push(JSON.parse(line)) }),
    store: {
      async dropSome({ kind, before }) {
        asked.push({ kind, before });
        at += tookMs;
        if (kind === broken) throw new Error("no database");
        const rows = Math.min(1, left[kind] ?? 0);
        left[kind] = (left[kind] ?? 0) - rows;
        return { rows, isMore: (left[kind] ?? 0) > 0 };
      },
    },
  });

it("asks once for what there is nothing of, from its own moment on, and says nothing", async () => {
  await run({});
  expect(asked).toEqual(keptKinds.map((kind) => ({ kind, before: now - terms[kind] })));
  expect(lines).toEqual([]);
});

it("goes on until there is no more, and says how much it was", async () => {
  await run({ logs: 3, audit: 1 });
  expect(asked.filter(({ kind }) => kind === "logs")).toHaveLength(3);
  expect(lines).toMatchObject([
    { kind: "logs", rows: 3 },
    { kind: "audit", rows: 1 },
  ]);
});

it("ends when its time is up, within a batch", async () => {
  const batchMs = retentionRunSecondsMax * 100;
  await run({ logs: 100 }, batchMs);
  expect(at - now).toBeLessThanOrEqual(retentionRunSecondsMax * 1_000 + batchMs);
  expect(asked.map(({ kind }) => kind)).toEqual(["idempotency_keys", ...Array.from({ length: 9 }, () => "logs")]);
});

it("goes on with the others when one fails", async () => {
  await run({ audit: 1 }, 0, "logs");
  expect(asked.map(({ kind }) => kind)).toEqual(keptKinds);
  expect(lines).toMatchObject([
    { level: "error", kind: "logs" },
    { kind: "audit", rows: 1 },
  ]);
});
