/** No-ops end to end, in batches and one by one, with every audit trail checked at the end; and what each process used. */
import { createClient } from "../client.ts";
import { cpuBetween, type Usage } from "../processes.ts";
import { batchSize, connections, inBatches, oneByOne, type Round, round, type Submit } from "../round.ts";
import type { Measurement, Report, Surroundings } from "../scenario.ts";
import { percentile, rounded, spread } from "../statistics.ts";
import { openPostgres } from "../trail.ts";

export async function throughput({ quick, signal, stack, say }: Surroundings): Promise<Report> {
  await using running = await stack();
  await using postgres = await openPostgres(running.dev);
  const client = createClient(running.dev.api_url, running.dev.customer_key, connections);
  const run = async (submit: Submit, count: number, what: string) => {
    say(`${count} no-ops ${what}`);
    return round({ dev: running.dev, client, postgres, signal }, submit, count);
  };
  await run(inBatches, 5_000, "in batches, to warm up");
  const batches = await run(inBatches, quick ? 10_000 : 50_000, `in batches of ${batchSize}`);
  await run(oneByOne, 1_000, "one by one, to warm up");
  const singles = await run(oneByOne, quick ? 2_000 : 10_000, `one by one, ${connections} at a time`);
  client.close();
  return {
    measurements: [...measurements(batches, singles), ...costs(batches), ...memory(singles.after)],
    details: { batches: detailsOf(batches), one_by_one: detailsOf(singles) },
  };
}

const measurements = (batches: Round, singles: Round): Measurement[] => [
  {
    ...{ what: `end to end, batches of ${batchSize}, every audit trail whole`, unit: "/s", better: "higher" },
    ...{ value: batches.perSecond, least: 2_000, aimed: 8_000 },
  },
  {
    ...{
      what: `end to end, one by one on ${connections} connections, every trail whole`,
      unit: "/s",
      better: "higher",
    },
    value: singles.perSecond,
  },
  ...[50, 95, 99].map((percent) => ({
    ...{ what: `submit reply, ${connections} at a time, p${percent}`, unit: "ms" as const, better: "lower" as const },
    value: percentile(singles.replies, percent),
  })),
];

/** Where the time goes: processor time of each process, for one workload of the batch round. */
function costs({ before, after, count }: Round): Measurement[] {
  const cpu = Object.entries(cpuBetween(before, after));
  return cpu.map(([name, ms]) => ({
    ...{ what: `processor time a workload, in batches: ${name}`, unit: "us" as const, better: "lower" as const },
    value: (ms * 1_000) / count,
  }));
}

const memory = (usage: Record<string, Usage>): Measurement[] =>
  Object.entries(usage).map(([name, { memoryMb }]) => ({
    ...{ what: `memory after both: ${name}`, unit: "MB" as const, better: "lower" as const },
    value: memoryMb,
  }));

const detailsOf = ({ replies, before, after, ...round }: Round) => ({
  ...round,
  seconds: rounded(round.seconds),
  submitSeconds: rounded(round.submitSeconds),
  perSecond: rounded(round.perSecond),
  reply_ms: spread(replies),
  cpu_ms: cpuBetween(before, after),
  usage: after,
});
