/** No-ops end to end, in batches and one by one, with every audit trail checked at the end; and what each process used. */
import type { DevFile } from "../../../infra/local/dev-file.ts";
import { type Client, createClient, expect, inParallel, moment } from "../client.ts";
import { cpuBetween, type Usage, usageOf } from "../processes.ts";
import type { Measurement, Report, Surroundings } from "../scenario.ts";
import { percentile, rounded, spread } from "../statistics.ts";
import { expectWhole, openPostgres, type Postgres } from "../trail.ts";

const batchSize = 1_000;
const batchesInFlight = 4;
const connections = 32;
const noop = { workload_type: "noop", input_params: {} };
const batchBody = JSON.stringify({ workloads: Array.from({ length: batchSize }, () => noop) });

interface Round {
  readonly count: number;
  readonly submitSeconds: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly replies: readonly number[];
  readonly before: Record<string, Usage>;
  readonly after: Record<string, Usage>;
}

/** One way of submitting `count` workloads; answers the milliseconds of each request. */
type Submit = (client: Client, count: number) => Promise<number[]>;

const inBatches: Submit = async (client, count) => {
  const replies: number[] = [];
  await inParallel(count / batchSize, batchesInFlight, async () => {
    const { sentAt, receivedAt } = expect(await client.send("POST", "/v1/workloads/batch", batchBody), 202);
    replies.push(receivedAt - sentAt);
  });
  return replies;
};

const oneByOne: Submit = async (client, count) => {
  const replies: number[] = [];
  const body = JSON.stringify(noop);
  await inParallel(count, connections, async () => {
    const { sentAt, receivedAt } = expect(await client.send("POST", "/v1/workloads", body), 202);
    replies.push(receivedAt - sentAt);
  });
  return replies;
};

export async function throughput({ quick, signal, stack, say }: Surroundings): Promise<Report> {
  await using running = await stack();
  await using postgres = await openPostgres(running.dev);
  const client = createClient(running.dev.api_url, running.dev.customer_key, connections);
  const run = async (submit: Submit, count: number, what: string) => {
    say(`${count} no-ops ${what}`);
    return round(running.dev, client, postgres, submit, count, signal);
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

async function round(
  dev: DevFile,
  client: Client,
  postgres: Postgres,
  submit: Submit,
  count: number,
  signal: AbortSignal,
): Promise<Round> {
  const before = usageOf(dev);
  const start = moment();
  const replies = await submit(client, count);
  const submitted = moment();
  await postgres.untilNoneOpen(signal);
  const after = usageOf(dev);
  const { lastCompletedAt } = expectWhole(await postgres.trailSince(start), count);
  const seconds = (lastCompletedAt - start) / 1_000;
  const submitSeconds = (submitted - start) / 1_000;
  return { count, submitSeconds, seconds, perSecond: count / seconds, replies, before, after };
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
