/** One pass of the scheduler's pure core, in a process of its own: `scheduling.ts` beside this folder measures it. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import type { Report, Surroundings } from "../scenario.ts";

const program = join(import.meta.dirname, "..", "scheduling.ts");
const targets: Readonly<Record<string, { least: number; aimed: number }>> = {
  "10,000 pending, 500 workers, affinity on all": { least: 5_000, aimed: 50 },
};
const outputSchema = z.object({
  results: z.array(z.object({ case: z.string(), placed: z.number(), cold_ms: z.number(), median_ms: z.number() })),
});

export async function scheduling({ signal, say }: Surroundings): Promise<Report> {
  say("scheduling passes of the pure core");
  const { stdout } = await promisify(execFile)(process.execPath, [program], { signal });
  const { results } = outputSchema.parse(JSON.parse(stdout));
  return {
    measurements: results.map((result) => ({
      what: `one pass: ${result.case}`,
      ...{ unit: "ms" as const, better: "lower" as const, value: result.median_ms },
      ...targets[result.case],
    })),
    details: { results },
  };
}
