import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkpointChunkBytes,
  logLineBytesMax,
  logLinesPerMessageMax,
  messageBatchBytesMax,
} from "../../../schema/limits.ts";
import { workerEventSchema } from "../../../schema/messages/worker-events.ts";
import { packState, unpackState } from "../../../worker-agent/checkpoint/codec.ts";
import { dueByProgress, dueByTime } from "../../../worker-agent/checkpoint/policy.ts";
import { parseState, serialiseState } from "../../../worker-agent/checkpoint/state.ts";
import { ConfigError, readConfig } from "../../../worker-agent/config.ts";
import { admit } from "../../../worker-agent/execution/admission.ts";
import { conclude } from "../../../worker-agent/execution/conclusion.ts";
import { Generations } from "../../../worker-agent/execution/generations.ts";
import { LineSplitter } from "../../../worker-agent/execution/lines.ts";
import { parseOutputLine } from "../../../worker-agent/execution/stdout-protocol.ts";
import { backoffMs } from "../../../worker-agent/intake/backoff.ts";
import { type Entry, nextBatch } from "../../../worker-agent/report/entry.ts";
import { Fence, fenceAt, leaseOverAt } from "../../../worker-agent/report/fence.ts";
import { LogBuffer } from "../../../worker-agent/report/log-buffer.ts";
import { WordTally } from "../../../worker-agent/workloads/word-tally.ts";
import { testIds } from "../../support/scripted-coordinator.ts";

describe("the outbox", () => {
  const entry = (id: number, bytes: number, dropped = false): Entry => {
    const workloadId = testIds.workload();
    const owner = { customerId: testIds.customer(), workloadId, generation: 1, settled: () => undefined };
    const event = { kind: "started" as const, event_id: id, workload_id: workloadId, generation: 1 };
    return { owner, event, bytes, sent: false, dropped };
  };
  const idsOf = (batch: readonly Entry[]) => batch.map(({ event }) => event.event_id);

  test("sends in order, as many as fit", () => {
    const queue = [entry(1, 40), entry(2, 40), entry(3, 40)];
    expect(idsOf(nextBatch(queue, 10, 100).batch)).toEqual([1, 2]);
    expect(idsOf(nextBatch(queue, 1, 100).batch)).toEqual([1]);
  });

  test("sends one event alone that is bigger than a batch", () => {
    expect(idsOf(nextBatch([entry(1, 500), entry(2, 1)], 10, 100).batch)).toEqual([1]);
    expect(idsOf(nextBatch([entry(1, 1), entry(2, 500)], 10, 100).batch)).toEqual([1]);
  });

  test("takes dropped events out of the queue and sends none of them", () => {
    const { batch, taken } = nextBatch([entry(1, 1, true), entry(2, 1), entry(3, 1, true)], 10, 100);
    expect({ ids: idsOf(batch), taken }).toEqual({ ids: [2], taken: 3 });
  });
});

describe("the fence", () => {
  test("falls before the lease ends, counted from when the acknowledged message left", () => {
    const lease = { leaseMs: 15_000, grantedAt: 1_000 };
    expect([fenceAt(lease), leaseOverAt(lease)]).toEqual([13_000, 16_000]);
  });

  test("is not moved by an acknowledgement older than the newest", () => {
    let now = 0;
    const fence = new Fence({ wall: () => 0, monotonic: () => now }, 1_000);
    fence.renew(500);
    fence.renew(100);
    now = 1_299;
    expect(fence.isOver()).toBe(false);
    now = 1_300;
    expect([fence.isOver(), fence.msToLeaseEnd()]).toEqual([true, 200]);
    now = 9_000;
    expect(fence.msToLeaseEnd()).toBe(0);
  });
});

test("backoff rises to its cap and is never less than half a step", () => {
  const backoff = { baseMs: 100, capMs: 2_000 };
  expect([1, 2, 6, 60].map((tries) => backoffMs(backoff, tries, 1))).toEqual([100, 200, 2_000, 2_000]);
  expect([1, 2, 6, 60].map((tries) => backoffMs(backoff, tries, 0))).toEqual([50, 100, 1_000, 1_000]);
});

describe("admission", () => {
  const open = { draining: false, knownGeneration: null, knowsType: true, slotsFree: 1, inheritsSlot: false };
  test.each([
    ["start", {}],
    ["stale_generation", { knownGeneration: 3 }],
    ["already_here", { knownGeneration: 2, draining: true, slotsFree: 0 }],
    ["draining", { draining: true }],
    ["unknown_type", { knowsType: false }],
    ["no_slot", { slotsFree: 0 }],
    ["start", { slotsFree: 0, inheritsSlot: true, knownGeneration: 1 }],
  ])("%s: %o", (admission, view) => {
    expect(admit({ generation: 2 }, { ...open, ...view })).toBe(admission);
  });

  test("remembers generations for a bounded number of workloads", () => {
    const generations = new Generations(2);
    const [first, second, third] = [testIds.workload(), testIds.workload(), testIds.workload()];
    for (const id of [first, second, first, third]) generations.note(id, 1);
    expect([first, second, third].map((id) => generations.of(id))).toEqual([1, null, 1]);
  });
});

describe("the end of an attempt", () => {
  const done = { kind: "returned", text: "{}", partial: false } as const;
  const nothing = { kind: "returned", text: null, partial: false } as const;
  const threw = { kind: "threw", error: { kind: "transient", type: "AbortError", message: "stop" } } as const;
  const refused = { kind: "threw", error: { kind: "permanent", type: "PermanentError", message: "no" } } as const;
  test.each([
    [done, null, "completed"],
    [nothing, null, "completed"],
    [threw, null, "failed"],
    [done, "draining", "completed"],
    [nothing, "draining", "handed_back"],
    [threw, "draining", "handed_back"],
    [refused, "draining", "failed"],
    [{ kind: "killed" }, "draining", "handed_back"],
    [threw, "paused", "paused"],
    [done, "timeout", "failed"],
    [done, "fenced", "released"],
    [done, "revoked", "released"],
  ] as const)("%o, stopped because of %s, is %s", (ending, stop, kind) => {
    expect(conclude(ending, stop, 1).kind).toBe(kind);
  });
});

describe("checkpoints", () => {
  test("are due by time and by progress, and never when the policy says 0", () => {
    const mark = { at: 1_000, percent: 20 };
    expect(dueByTime({ intervalMs: 500, progressPercent: 0 }, mark, 1_500)).toBe(true);
    expect(dueByTime({ intervalMs: 0, progressPercent: 0 }, mark, 9_999)).toBe(false);
    expect(dueByProgress({ intervalMs: 0, progressPercent: 10 }, mark, 29)).toBe(false);
    expect(dueByProgress({ intervalMs: 0, progressPercent: 10 }, mark, 30)).toBe(true);
  });

  test("come back as they were saved, JSON and bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.uint8Array()), async (state) => {
        const packed = await packState(serialiseState(state as Parameters<typeof serialiseState>[0]));
        const ref = { sequence: 1, bytes: packed.bytes, sha256: packed.sha256, chunks: packed.chunks.length };
        const back = parseState(await unpackState(ref, packed.chunks));
        expect(back instanceof Uint8Array ? Uint8Array.from(back) : back).toEqual(
          state instanceof Uint8Array ? state : JSON.parse(JSON.stringify(state)),
        );
      }),
      { numRuns: 50 },
    );
  });

  test("are cut into chunks that fit a message", async () => {
    const { chunks, bytes } = await packState(crypto.getRandomValues(new Uint8Array(60_000)));
    expect(chunks.length).toBe(Math.ceil(bytes / checkpointChunkBytes));
    expect(chunks.every((chunk) => chunk.length <= checkpointChunkBytes)).toBe(true);
  });

  test("that are cut short or changed are refused", async () => {
    const { chunks, bytes, sha256 } = await packState(serialiseState({ some: "state" }));
    const ref = { sequence: 4, bytes, sha256, chunks: 1 };
    await expect(
      unpackState(
        ref,
        chunks.map((chunk) => chunk.subarray(1)),
      ),
    ).rejects.toThrow("checkpoint 4 does not match");
    await expect(unpackState({ ...ref, sha256: "0".repeat(64) }, chunks)).rejects.toThrow("does not match");
  });
});

describe("a line of a process", () => {
  test.each([
    ["plain", { kind: "log", text: "plain" }],
    ['{"other":1}', { kind: "log", text: '{"other":1}' }],
    ["{not json", { kind: "log", text: "{not json" }],
    ['{"niyanta":"progress","percent":5}', { kind: "progress", percent: 5, message: null }],
    ['{"niyanta":"checkpoint","file":"/a"}', { kind: "checkpoint_file", path: "/a" }],
    ['{"niyanta":"checkpoint","data":[1]}', { kind: "checkpoint_data", data: [1] }],
    ['{"niyanta":"result","data":null}', { kind: "result", data: null }],
  ])("%s", (text, line) => {
    expect(parseOutputLine(text)).toEqual(line);
  });

  test.each(['{"niyanta":"checkpoint"}', '{"niyanta":"dance"}', '{"niyanta":"result"}'])(
    "%s is not understood",
    (text) => {
      expect(parseOutputLine(text).kind).toBe("invalid");
    },
  );

  test("is found however the stream is cut, and no line is longer than its bound", () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z ]{1,9}$/)), fc.array(fc.nat(30)), (lines, cuts) => {
        const text = lines.map((line) => `${line}\n`).join("");
        const seen: string[] = [];
        const splitter = new LineSplitter((line) => seen.push(line), 5);
        let at = 0;
        for (const cut of [...cuts, text.length]) {
          splitter.push(text.slice(at, at + cut));
          at += cut;
        }
        splitter.end();
        expect(seen).toEqual(lines.map((line) => line.slice(0, 5)).filter((line) => line.trim() !== ""));
      }),
    );
  });
});

describe("log lines", () => {
  test("are numbered, cut, and made storable", () => {
    const buffer = new LogBuffer();
    buffer.add(0, "info", `a\u0000${"😀".repeat(logLineBytesMax)}`);
    buffer.add(0, "error", "second", { half: "\ud800" });
    const lines = buffer.take()?.lines ?? [];
    expect(lines.map(({ line }) => line)).toEqual([1, 2]);
    const event = { kind: "logs", event_id: 1, workload_id: testIds.workload(), generation: 1, lines };
    expect(workerEventSchema.safeParse(event).success).toBe(true);
  });

  test("are taken early when they would fill a message, and dropped when nobody takes them away", () => {
    const buffer = new LogBuffer();
    const line = "x".repeat(logLineBytesMax);
    let takes = 0;
    for (let count = 0; count < 1_000; count += 1) {
      if (!buffer.add(0, "info", line)) continue;
      const taken = buffer.take();
      takes += taken === null ? 0 : 1;
      expect(taken?.bytes ?? 0).toBeLessThan(messageBatchBytesMax);
    }
    expect(takes).toBeLessThan(30);
    buffer.settled(10 * 1024 * 1024);
    const left = [buffer.take(), buffer.take()].flatMap((taken) => taken?.lines ?? []);
    expect(left.map(({ message }) => message)).toContainEqual(expect.stringMatching(/log lines were dropped/));
    expect(left.at(-1)?.message).toBe(line);
  });
});

describe("the end of a log that came too fast", () => {
  const flooded = (lines: number) => {
    const buffer = new LogBuffer();
    const taken: string[] = [];
    const take = () => {
      for (let next = buffer.take(); next !== null; next = buffer.take()) {
        expect(next.bytes).toBeLessThan(messageBatchBytesMax);
        expect(next.lines.length).toBeLessThanOrEqual(logLinesPerMessageMax);
        taken.push(...next.lines.map(({ line, message }) => `${line} ${message}`));
      }
    };
    for (let n = 1; n <= lines; n += 1) if (buffer.add(n, "info", `${n} ${"x".repeat(500)}`)) take();
    return { buffer, taken, take };
  };
  const numberOf = (line: string) => Number(line.split(" ")[0]);

  test("is there once the log is closed, after a word about what is missing, though nobody took the rest away", () => {
    const { buffer, taken, take } = flooded(20_000);
    take();
    const before = taken.length;
    take();
    expect(taken.length).toBe(before);
    buffer.close();
    take();
    const drop = taken.findIndex((line) => line.includes("log lines were dropped"));
    const tail = taken.length - drop - 1;
    expect(tail).toBeGreaterThan(50);
    expect(taken.at(-1)).toContain(" 20000 x");
    expect(taken[drop]).toContain(` ${20_000 - drop - tail} log lines were dropped`);
    expect(taken.map(numberOf)).toEqual(taken.map((_, index) => index + 1));
  });

  test("goes out ahead of what comes after it", () => {
    const { buffer, taken, take } = flooded(20_000);
    buffer.settled(10 * 1024 * 1024);
    for (const message of ["later", "last"]) if (buffer.add(1, "info", message)) take();
    buffer.close();
    take();
    expect(taken.slice(-2).map((line) => line.split(" ")[1])).toEqual(["later", "last"]);
    expect(taken.filter((line) => line.includes("were dropped"))).toHaveLength(1);
    expect(taken.map(numberOf)).toEqual(taken.map((_, index) => index + 1));
  });

  test("is bounded in bytes, however long its lines are", () => {
    const buffer = new LogBuffer();
    for (let n = 0; n < 2_000; n += 1) if (buffer.add(0, "info", "\u0001".repeat(logLineBytesMax))) buffer.take();
    buffer.close();
    let lines = 0;
    for (let next = buffer.take(); next !== null; next = buffer.take()) {
      lines += next.lines.length;
      expect(next.bytes).toBeLessThan(messageBatchBytesMax);
    }
    expect(lines).toBeGreaterThan(0);
  });
});

describe("a word tally", () => {
  const text = "one two  two\nthree\tthree three\r\n\vend";
  test("does not depend on how the text is cut, nor on a checkpoint in between", () => {
    const whole = new WordTally(null);
    whole.add(Buffer.from(text));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 9 })), (cuts) => {
        let tally = new WordTally(null);
        let at = 0;
        for (const cut of [...cuts, text.length]) {
          tally.add(Buffer.from(text.slice(at, at + cut)));
          tally = new WordTally(JSON.parse(JSON.stringify(tally.state())));
          at += cut;
        }
        expect(tally.state()).toEqual(whole.state());
      }),
    );
    expect(whole.result()).toMatchObject({
      lines: 2,
      words: 7,
      bytes: 36,
      top: [
        { word: "three", count: 3 },
        { word: "two", count: 2 },
        { word: "end", count: 1 },
        { word: "one", count: 1 },
      ],
    });
  });

  test("stays small with endless new words, and says that its top is not exact", () => {
    const tally = new WordTally(null);
    for (let n = 0; n < 250; n += 1) {
      tally.add(Buffer.from(Array.from({ length: 1_000 }, (_, i) => `w${n * 1_000 + i} the`).join(" ")));
      tally.add(Buffer.from(" "));
    }
    expect(tally.state().counts.length).toBeLessThanOrEqual(100_000);
    expect(tally.result()).toMatchObject({ words: 500_000, top_exact: false });
    expect(tally.result().top[0]).toEqual({ word: "the", count: 250_000 });
  });
});

describe("configuration", () => {
  const least = {
    NIYANTA_API_URL: "http://127.0.0.1:2",
    NIYANTA_AGENT_TOKEN: "t",
  };
  test("has defaults, and hides the agent's own settings from user code", () => {
    const config = readConfig({ ...least, PATH: "/bin", NIYANTA_POOL: "" });
    expect(config).toMatchObject({
      pool: "default",
      slots: 10,
      builtins: true,
      drainMs: 300_000,
      workloadEnv: { PATH: "/bin" },
    });
    expect(config.natsUrl).toBe(null);
    expect(Object.keys(config.workloadEnv)).toEqual(["PATH"]);
  });

  test("takes another address of the broker, but no secret in it", () => {
    expect(readConfig({ ...least, NIYANTA_NATS_URL: "wss://127.0.0.1:1" }).natsUrl).toBe("wss://127.0.0.1:1");
    expect(() => readConfig({ ...least, NIYANTA_NATS_URL: "ws://u:p@127.0.0.1:1" })).toThrow("no secret");
  });

  test("names every setting that is wrong", () => {
    expect(() => readConfig({ ...least, NIYANTA_SLOTS: "0", NIYANTA_AGENT_TOKEN: "" })).toThrow(ConfigError);
    expect(() => readConfig({ ...least, NIYANTA_SLOTS: "0", NIYANTA_AGENT_TOKEN: "" })).toThrow(
      /NIYANTA_AGENT_TOKEN[\s\S]*/,
    );
  });

  test("reads tags", () => {
    expect(readConfig({ ...least, NIYANTA_TAGS: "a=1, b=x=y" }).tags).toEqual({ a: "1", b: "x=y" });
  });
});
