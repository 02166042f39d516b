/** Reading while a customer has a hundred thousand workloads stored: one by its id, and pages of the list in many shapes. */
import { type Client, createClient, expect, inParallel } from "../client.ts";
import type { Measurement, Report, Surroundings } from "../scenario.ts";
import { percentile, spread } from "../statistics.ts";
import { openPostgres } from "../trail.ts";

const batchSize = 1_000;
const batchesInFlight = 4;
const stored = 100_000;
const pageSize = 100;
const idsKept = 500;
/** One in so many fails, so that a filter has something rare to find. */
const failsEvery = 200;

/** Of all priorities, with labels; some are of a type whose input is bad, and fail. */
const body = (batch: number): string =>
  JSON.stringify({
    workloads: Array.from({ length: batchSize }, (_, at) => ({
      ...(at % failsEvery === 0
        ? { workload_type: "text.wordcount", input_params: { path: 7 } }
        : { workload_type: "noop" }),
      priority: (batch * batchSize + at) % 1_001,
      labels: { batch: String(batch), shard: String(at % 10) },
    })),
  });

interface Case {
  readonly name: string;
  readonly path: (turn: number) => string;
  readonly target: Pick<Measurement, "least" | "aimed">;
}

const listTarget = { least: 50, aimed: 50 };

const lists = (cursors: readonly string[]): Case[] =>
  Object.entries({
    "the newest": "",
    "by priority": "&order_by=priority",
    "status FAILED": "&status=FAILED",
    "status COMPLETED": "&status=COMPLETED",
    "status RUNNING (none)": "&status=RUNNING",
    "one type of many": "&workload_type=text.wordcount",
    "one label": "&label=shard:3",
    "offset 5,000": "&offset=5000",
    cursor: null,
  }).map(([name, query]) => ({
    name: `list of ${pageSize}, ${name}`,
    path: (turn) =>
      `/v1/workloads?limit=${pageSize}${query ?? `&cursor=${encodeURIComponent(cursors[turn % cursors.length] ?? "")}`}`,
    target: listTarget,
  }));

export async function reads({ quick, signal, stack, say }: Surroundings): Promise<Report> {
  await using running = await stack();
  await using postgres = await openPostgres(running.dev);
  const client = createClient(running.dev.api_url, running.dev.customer_key, batchesInFlight);
  say(`${stored} workloads to read among`);
  const ids: string[] = [];
  await inParallel(stored / batchSize, batchesInFlight, async (batch) => {
    const reply = expect(await client.send("POST", "/v1/workloads/batch", body(batch)), 202);
    ids.push(...idsOf(reply.body).slice(0, (idsKept * batchSize) / stored));
  });
  await postgres.untilNoneOpen(signal);
  const one: Case = {
    name: "GET by id",
    path: (turn) => `/v1/workloads/${ids[turn % ids.length]}`,
    target: { least: 20, aimed: 20 },
  };
  const count = quick ? 50 : 400;
  const measured = [];
  for (const item of [one, ...lists(await cursorsOf(client))]) {
    say(item.name);
    measured.push({ item, times: await times(client, item, count) });
  }
  client.close();
  return {
    measurements: measured.flatMap(({ item, times: of }) => measurements(item, of)),
    details: Object.fromEntries(measured.map(({ item, times: of }) => [item.name, spread(of)])),
  };
}

const idsOf = (text: string): string[] =>
  (JSON.parse(text) as { workloads: { workload_id: string }[] }).workloads.map(({ workload_id }) => workload_id);

/** Of ten pages in a row. */
async function cursorsOf(client: Client): Promise<string[]> {
  const cursors: string[] = [];
  for (let page = 0; page < 10; page += 1) {
    const after = cursors.at(-1);
    const query = after === undefined ? "" : `&cursor=${encodeURIComponent(after)}`;
    const reply = expect(await client.send("GET", `/v1/workloads?limit=${pageSize}${query}`), 200);
    cursors.push((JSON.parse(reply.body) as { pagination: { next_cursor: string } }).pagination.next_cursor);
  }
  return cursors;
}

/** Milliseconds of each request, one after the other, the first few left out. */
async function times(client: Client, { path }: Case, count: number): Promise<number[]> {
  const warmUps = Math.ceil(count / 10);
  const found: number[] = [];
  for (let turn = 0; turn < warmUps + count; turn += 1) {
    const { sentAt, receivedAt } = expect(await client.send("GET", path(turn)), 200);
    if (turn >= warmUps) found.push(receivedAt - sentAt);
  }
  return found;
}

const measurements = ({ name, target }: Case, found: readonly number[]): Measurement[] =>
  [50, 95].map((percent) => ({
    ...{ what: `${name}, p${percent}`, unit: "ms", better: "lower" },
    value: percentile(found, percent),
    ...(percent === 95 ? target : {}),
  }));
