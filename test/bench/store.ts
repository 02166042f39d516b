/** How many rows a second the store writes, a thousand in a statement: `node test/bench/store.ts [rounds]`. */
import pg from "pg";
import type { Workload } from "../../functions/domain/workload.ts";
import { createPostgresStore } from "../../functions/store/postgres/postgres-store.ts";
import type { Lead, StateStore, Written } from "../../functions/store/store.ts";
import { groupCommitRowsMax } from "../../schema/limits.ts";
import { startTestPostgres } from "../support/postgres.ts";
import { auditEntry, completed, groupOf, ids, newSubmission, scheduledOn, t0 } from "../support/records.ts";

const roundsDefault = 20;
const warmUpRounds = 3;

interface Round {
  insert: number;
  schedule: number;
  complete: number;
}

async function measured(write: () => Promise<Written<unknown>>): Promise<number> {
  const begun = performance.now();
  const outcome = await write();
  const ms = performance.now() - begun;
  if (outcome.kind !== "written") throw new Error("the benchmark lost its lead");
  return ms;
}

const twoEvents = (
  ...[first, second]: ["workload.created" | "workload.started", "workload.scheduled" | "workload.completed"]
) => [
  auditEntry(first, { generation: 1 }),
  auditEntry(second, { generation: 1, details: { worker_id: ids.worker() } }),
];

async function runRound(store: StateStore, lead: Lead): Promise<Round> {
  const input = { path: "/data/file.txt", bytes_per_second: 1_000 };
  const audit = twoEvents("workload.created", "workload.scheduled");
  const submissions = Array.from({ length: groupCommitRowsMax }, () => newSubmission({}, { input, audit }));
  const insert = await measured(() => store.insert(lead, [groupOf(submissions)], t0));
  const placed = submissions.map(({ workload }) => scheduledOn(workload));
  const schedule = await measured(() => store.apply(lead, placed, [], t0));
  const complete = await measured(() =>
    store.apply(
      lead,
      placed.map(({ next }) => ended(next)),
      [],
      t0,
    ),
  );
  return { insert, schedule, complete };
}

const ended = (workload: Workload) =>
  completed(workload, { result: { words: 12_345 }, audit: twoEvents("workload.started", "workload.completed") });

async function newLead(store: StateStore, databaseUrl: string): Promise<Lead> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const customerId = ids.customer();
  await client.query("insert into customers (customer_id, name) values ($1, 'benchmark')", [customerId]);
  await client.end();
  const state = await store.lead(customerId, 1, t0);
  if (state === null) throw new Error("the customer that was just made is not there");
  return state.lead;
}

function report(what: string, ms: readonly number[]): void {
  const sorted = ms.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const rate = Math.round((groupCommitRowsMax / median) * 1_000);
  process.stdout.write(`${what.padEnd(40)} ${median.toFixed(1).padStart(7)} ms  ${String(rate).padStart(7)} rows/s\n`);
}

const rounds = Number(process.argv[2] ?? roundsDefault);
const server = await startTestPostgres();
try {
  const store = createPostgresStore(server);
  const lead = await newLead(store, server.ownerUrl);
  const results: Round[] = [];
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    const result = await runRound(store, lead);
    if (round >= 0) results.push(result);
  }
  process.stdout.write(`${groupCommitRowsMax} rows a statement, median of ${rounds} rounds\n`);
  report(
    "insert, 2 audit rows each",
    results.map(({ insert }) => insert),
  );
  report(
    "PENDING to SCHEDULED, giving the inputs",
    results.map(({ schedule }) => schedule),
  );
  report(
    "to COMPLETED, 2 audit rows each",
    results.map(({ complete }) => complete),
  );
} finally {
  await server.stop();
}
