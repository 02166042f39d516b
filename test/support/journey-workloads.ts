/** Workload types for journeys: they wait for a test's word, fail on demand, block, and take their worker with them. */
import { createCipheriv, createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { CheckpointError, defineWorkload, PermanentError, TransientError } from "../../worker-agent/sdk.ts";

const gateCheckMs = 25;
const secret = Buffer.alloc(16, 7);

/** A gate is a file: open when it exists. */
async function passGate(gate: string, signal: AbortSignal): Promise<void> {
  while (!existsSync(gate)) await delay(gateCheckMs, undefined, { signal });
}

const gated = z.object({ gate: z.string() });

/** Costs no thread, so that a journey can hold many at once. */
export const wait = defineWorkload({
  type: "journey.wait",
  isolation: "inline",
  input: gated,
  run: async ({ input, signal, fencingToken }) => {
    await passGate(input.gate, signal);
    return { by: fencingToken };
  },
});

/** Adds 1 to `steps`, with a checkpoint a step; at `hold_at` it waits for the gate. */
export const adder = defineWorkload({
  type: "journey.add",
  input: gated.extend({ steps: z.number(), hold_at: z.number() }),
  state: z.object({ done: z.number(), sum: z.number() }),
  run: async ({ input, checkpoint, signal, saveCheckpoint, log }) => {
    let { done, sum } = checkpoint ?? { done: 0, sum: 0 };
    const resumed_from = done;
    while (done < input.steps) {
      done += 1;
      sum += done;
      await saveCheckpoint({ done, sum });
      log.info(`step ${done}`);
      if (done === input.hold_at) await passGate(input.gate, signal);
    }
    return { sum, resumed_from };
  },
});

/** Offers its state when asked, and saves nothing by itself. */
export const keeper = defineWorkload({
  type: "journey.keep",
  input: gated,
  state: z.object({ kept: z.string() }),
  run: async ({ input, checkpoint, signal, checkpointFrom, fencingToken, progress }) => {
    const kept = checkpoint?.kept ?? `of attempt ${fencingToken}`;
    checkpointFrom(() => ({ kept }));
    progress(1, "ready");
    await passGate(input.gate, signal);
    return { kept, by: fencingToken };
  },
});

export const flaky = defineWorkload({
  type: "journey.flaky",
  input: z.object({ failures: z.number() }),
  run: ({ input, attempt }) => {
    if (attempt <= input.failures) throw new TransientError(`failure ${attempt}`);
    return { attempt };
  },
});

export const hopeless = defineWorkload({
  type: "journey.hopeless",
  run: () => {
    throw new PermanentError("not in this world");
  },
});

function blockThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Blocks its thread, whatever it is told; 0: for ever. */
export const blocker = defineWorkload({
  type: "journey.block",
  input: z.object({ ms: z.number() }),
  run: async ({ input, progress }) => {
    progress(10, "about to block");
    await delay(0); // the word about it goes out first
    if (input.ms === 0) for (;;) blockThread(1_000);
    blockThread(input.ms);
    return { blocked_ms: input.ms };
  },
});

/** Bytes that no compression makes smaller, the same for the same size. */
export const noise = (bytes: number): Buffer =>
  createCipheriv("aes-128-ctr", secret, secret).update(Buffer.alloc(bytes));

export const fingerprint = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Saves one state of `bytes`, waits for the gate, and tells what it found when it was started. */
export const bulky = defineWorkload({
  type: "journey.bulk",
  input: gated.extend({ bytes: z.number() }),
  run: async ({ input, checkpoint, signal, saveCheckpoint, progress }) => {
    const found = checkpoint instanceof Uint8Array ? fingerprint(checkpoint) : null;
    const refused = found === null ? await saveCheckpoint(noise(input.bytes)).then(() => null, codeOf) : null;
    progress(50, refused ?? "saved");
    await passGate(input.gate, signal);
    return { found, refused };
  },
});

const codeOf = (error: unknown): string => (error instanceof CheckpointError ? error.code : String(error));

/** Ends its whole worker, as a crash in native code would. */
export const poison = defineWorkload({
  type: "journey.poison",
  run: () => {
    process.kill(process.pid, "SIGKILL");
    return new Promise(() => undefined);
  },
});
