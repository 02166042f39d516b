/** One round of no-ops, end to end, in batches or one by one: how fast, what each process used, every trail checked. */
import type { DevFile } from "../../infra/local/dev-file.ts";
import { type Client, expect, inParallel, moment, noop } from "./client.ts";
import { type Usage, usageOf } from "./processes.ts";
import { expectWhole, type Postgres } from "./trail.ts";

export const batchSize = 1_000;
const batchesInFlight = 4;
export const connections = 32;
const batchBody = JSON.stringify({ workloads: Array.from({ length: batchSize }, () => noop) });

export interface Round {
  readonly count: number;
  readonly submitSeconds: number;
  readonly seconds: number;
  readonly perSecond: number;
  readonly replies: readonly number[];
  readonly before: Record<string, Usage>;
  readonly after: Record<string, Usage>;
}

/** One way of submitting `count` workloads; answers the milliseconds of each request. */
export type Submit = (client: Client, count: number) => Promise<number[]>;

export const inBatches: Submit = async (client, count) => {
  const replies: number[] = [];
  await inParallel(count / batchSize, batchesInFlight, async () => {
    const { sentAt, receivedAt } = expect(await client.send("POST", "/v1/workloads/batch", batchBody), 202);
    replies.push(receivedAt - sentAt);
  });
  return replies;
};

export const oneByOne: Submit = async (client, count) => {
  const replies: number[] = [];
  const body = JSON.stringify(noop);
  await inParallel(count, connections, async () => {
    const { sentAt, receivedAt } = expect(await client.send("POST", "/v1/workloads", body), 202);
    replies.push(receivedAt - sentAt);
  });
  return replies;
};

export interface Rig {
  readonly dev: DevFile;
  readonly client: Client;
  readonly postgres: Postgres;
  readonly signal: AbortSignal;
}

/** Submits `count` no-ops, waits for their end, and throws where one is not COMPLETED with a whole trail. */
export async function round({ dev, client, postgres, signal }: Rig, submit: Submit, count: number): Promise<Round> {
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
