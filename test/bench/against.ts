/**
 * What the changes between two trees cost: `node test/bench/against.ts <folder of the other tree> [rounds]`. A stack of each
 * runs at the same time, and they are measured in turns, so that what else the machine does falls on both alike.
 */
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { DevFile } from "../../infra/local/dev-file.ts";
import type { startStack } from "../../infra/local/stack.ts";
import { createClient, noop } from "./client.ts";
import { cpuBetween } from "./processes.ts";
import { connections, inBatches, oneByOne, type Rig, type Round, round, type Submit } from "./round.ts";
import { median, percentile } from "./statistics.ts";
import { openPostgres } from "./trail.ts";

const gapMs = 15;
const warmUps = 200;
const loneSubmits = 2_000;
const inBatch = { submit: inBatches, count: 20_000, what: "batches of 1,000" };
const singly = { submit: oneByOne, count: 4_000, what: "one by one on 32 connections" };
const msMax = 60 * 60_000;
const roundsDefault = 7;
const parts = ["postgres", "coordinator", "gateway"];

/** [of the other tree, of this one]. */
type Pair<T> = readonly [T, T];

const [, , otherTree, roundsAsked = roundsDefault] = process.argv;
if (otherTree === undefined) throw new Error("Which other tree? node test/bench/against.ts <folder> [rounds]");
const rounds = Number(roundsAsked);
const signal = AbortSignal.timeout(msMax);

const say = (line: string) => process.stdout.write(`${line}\n`);

const clientOf = (dev: DevFile) => createClient(dev.api_url, dev.customer_key, connections);

async function openRig(tree: string): Promise<Rig & AsyncDisposable> {
  const module: { startStack: typeof startStack } = await import(
    pathToFileURL(resolve(tree, "infra/local/stack.ts")).href
  );
  const stack = await module.startStack({ agents: 2, slots: 1_000 });
  const postgres = await openPostgres(stack.dev);
  const client = clientOf(stack.dev);
  return {
    ...{ dev: stack.dev, client, postgres, signal },
    async [Symbol.asyncDispose]() {
      client.close();
      await postgres[Symbol.asyncDispose]();
      await stack[Symbol.asyncDispose]();
    },
  };
}

/** In turns; which one is first, too. */
async function inTurns<T>(rigs: Pair<Rig>, times: number, measure: (rig: Rig) => Promise<T>): Promise<Pair<T>[]> {
  const pairs: Pair<T>[] = [];
  const [other, own] = rigs;
  for (let turn = 0; turn < times; turn += 1) {
    if (turn % 2 === 0) pairs.push([await measure(other), await measure(own)]);
    else {
      const second = await measure(own);
      pairs.push([await measure(other), second]);
    }
  }
  return pairs;
}

/** Milliseconds from sending to the reply, with everything idle. */
async function lone({ client }: Rig): Promise<number> {
  await delay(gapMs);
  const { sentAt, receivedAt } = await client.submit(noop);
  return receivedAt - sentAt;
}

const oneRound =
  ({ submit, count }: { submit: Submit; count: number }) =>
  async (rig: Rig): Promise<Round> => {
    // Connections of its own: those of the round before are closed by the runtime after five idle seconds, maybe just now.
    const client = clientOf(rig.dev);
    return round({ ...rig, client }, submit, count).finally(client.close);
  };

const number = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 2 }).padStart(10);
const percent = (ratio: number) => `${(100 * (ratio - 1)).toFixed(1)} %`.padStart(9);

function tell(what: string, [other, own]: Pair<number>, ratios: readonly number[]): void {
  const [low, middle, high] = [25, 50, 75].map((at) => percent(percentile(ratios, at)));
  say(`${what.padEnd(52)} ${number(other)} ${number(own)}  ${middle}  (${low?.trim()} to ${high?.trim()})`);
}

const column = <T>(pairs: readonly Pair<T>[], of: (one: T) => number): Pair<number[]> => [
  pairs.map(([other]) => of(other)),
  pairs.map(([, own]) => of(own)),
];

/** The middle of each, and of the ratios of the pairs, with the quarter of them below and above. */
function tellMedians<T>(what: string, pairs: readonly Pair<T>[], of: (one: T) => number): void {
  const [other, own] = column(pairs, of);
  tell(
    what,
    [median(other), median(own)],
    other.map((value, at) => (own[at] ?? Number.NaN) / value),
  );
}

function tellLone(pairs: readonly Pair<number>[]): void {
  for (const rank of [50, 95, 99]) {
    const [other, own] = column(pairs, (ms) => ms).map((ms) => percentile(ms, rank));
    tell(`lone submit, ms, p${rank}`, [other ?? Number.NaN, own ?? Number.NaN], [(own ?? 0) / (other ?? 0)]);
  }
}

function tellRounds(what: string, pairs: readonly Pair<Round>[]): void {
  tellMedians(`${what}, workloads a second`, pairs, ({ perSecond }) => perSecond);
  for (const part of parts)
    tellMedians(
      `  µs of processor time a workload: ${part}`,
      pairs,
      ({ before, after, count }) => ((cpuBetween(before, after)[part] ?? 0) * 1_000) / count,
    );
}

await using other = await openRig(otherTree);
await using own = await openRig(resolve(import.meta.dirname, "../.."));
const rigs = [other, own] as const;
say(
  `${"".padEnd(52)} ${"other".padStart(10)} ${"this".padStart(10)}  ${"change".padStart(9)}  (middle half of the pairs)`,
);
await inTurns(rigs, warmUps, lone);
tellLone(await inTurns(rigs, loneSubmits, lone));
for (const kind of [singly, inBatch]) {
  await inTurns(rigs, 1, oneRound(kind));
  tellRounds(kind.what, await inTurns(rigs, rounds, oneRound(kind)));
}
