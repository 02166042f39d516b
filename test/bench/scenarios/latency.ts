/** One workload at a time on idle workers: how fast the answer is, and how fast the start. */
import { setTimeout as delay } from "node:timers/promises";
import { type Client, createClient, noop } from "../client.ts";
import type { Measurement, Report, Surroundings } from "../scenario.ts";
import { percentile, spread } from "../statistics.ts";
import { openPostgres, type Postgres } from "../trail.ts";

const warmUps = 200;
const gapMs = 15;

interface Sample {
  /** Milliseconds. */
  readonly reply: number;
  /** From the 202 in hand to the start as its row says it; below zero when it started before the answer arrived. */
  readonly startAfterReply: number;
  readonly startAfterSending: number;
  readonly startAfterCreated: number;
  readonly endAfterSending: number;
}

export async function latency({ quick, signal, stack, say }: Surroundings): Promise<Report> {
  await using running = await stack();
  await using postgres = await openPostgres(running.dev);
  const client = createClient(running.dev.api_url, running.dev.customer_key, 1);
  const count = quick ? 100 : 1_000;
  say(`${warmUps} no-ops to warm up, ${count} one at a time, ${count / 2} of them watched until they are over`);
  await submitOneByOne(client, warmUps);
  const samples = await measured(client, postgres, count, signal);
  const seen = await watched(client, count / 2, signal);
  client.close();
  const of = (field: keyof Sample) => samples.map((sample) => sample[field]);
  const details = {
    reply_ms: spread(of("reply")),
    accepted_to_started_ms: spread(of("startAfterReply")),
    sent_to_started_ms: spread(of("startAfterSending")),
    created_to_started_ms: spread(of("startAfterCreated")),
    sent_to_completed_ms: spread(of("endAfterSending")),
    accepted_to_seen_completed_ms: spread(seen),
  };
  return { measurements: measurements(of, seen), details };
}

function measurements(of: (field: keyof Sample) => number[], seen: readonly number[]): Measurement[] {
  const ms = (what: string, values: readonly number[], percent: number, target: Partial<Measurement> = {}) => ({
    ...{ what: `${what}, p${percent}`, unit: "ms" as const, better: "lower" as const },
    value: percentile(values, percent),
    ...target,
  });
  const reply = "submit reply, one at a time";
  const started = "accepted (created_at) to started (started_at), uncontended";
  return [
    ms(reply, of("reply"), 50),
    ms(reply, of("reply"), 95, { least: 100, aimed: 10 }),
    ms(reply, of("reply"), 99),
    ms(started, of("startAfterCreated"), 50, { least: 50, aimed: 5 }),
    ms(started, of("startAfterCreated"), 99, { least: 250, aimed: 25 }),
    ms("202 in hand to started_at", of("startAfterReply"), 50),
    ms("202 in hand to started_at", of("startAfterReply"), 99),
    ms("submit sent to started_at", of("startAfterSending"), 50),
    ms("submit sent to started_at", of("startAfterSending"), 99),
    ms("202 in hand to COMPLETED seen by GET", seen, 50),
    ms("202 in hand to COMPLETED seen by GET", seen, 99),
  ];
}

async function submitOneByOne(client: Client, count: number) {
  const accepted: Awaited<ReturnType<Client["submit"]>>[] = [];
  for (let index = 0; index < count; index += 1) {
    accepted.push(await client.submit(noop));
    await delay(gapMs); // so that each finds everything idle
  }
  return accepted;
}

async function measured(client: Client, postgres: Postgres, count: number, signal: AbortSignal): Promise<Sample[]> {
  const accepted = await submitOneByOne(client, count);
  await postgres.untilNoneOpen(signal);
  const times = await postgres.timesOf(accepted.map(({ id }) => id));
  return accepted.map(({ id, sentAt, receivedAt }) => {
    const row = times.get(id);
    if (row === undefined) throw new Error(`the accepted workload ${id} is not there`);
    return {
      reply: receivedAt - sentAt,
      startAfterReply: row.startedAt - receivedAt,
      startAfterSending: row.startedAt - sentAt,
      startAfterCreated: row.startedAt - row.createdAt,
      endAfterSending: row.completedAt - sentAt,
    };
  });
}

/** What a client sees that asks: the rows' own times do not say when an answer could be had. */
async function watched(client: Client, count: number, signal: AbortSignal): Promise<number[]> {
  const waits: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const { id, receivedAt } = await client.submit(noop);
    const over = await client.until(id, ({ status }) => status === "COMPLETED", signal);
    waits.push(over.at - receivedAt);
  }
  return waits;
}
