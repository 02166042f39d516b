/** `sleep`: waits in steps and remembers how far it came. */
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { defineWorkload, type WorkloadContext } from "../sdk.ts";

const durationMsMax = 30 * 24 * 3_600_000;
const stepMsMax = 60_000;

const inputSchema = z.object({
  duration_ms: z.number().min(0).max(durationMsMax),
  step_ms: z.number().min(1).max(stepMsMax).default(250),
});
const stateSchema = z.object({ elapsed_ms: z.number().min(0) });
type SleepContext = WorkloadContext<z.output<typeof inputSchema>, z.output<typeof stateSchema>>;

export const sleep = defineWorkload({ type: "sleep", input: inputSchema, state: stateSchema, run });

async function run({ input, checkpoint, signal, progress, checkpointFrom }: SleepContext) {
  const resumed = checkpoint?.elapsed_ms ?? 0;
  let elapsed = resumed;
  checkpointFrom(() => ({ elapsed_ms: elapsed }));
  while (elapsed < input.duration_ms) {
    const step = Math.min(input.step_ms, input.duration_ms - elapsed);
    await wait(step, undefined, { signal });
    elapsed += step;
    progress((elapsed / input.duration_ms) * 100);
  }
  return { slept_ms: elapsed, resumed_from_ms: resumed };
}
