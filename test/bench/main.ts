/** `npm run bench`: runs the scenarios one after the other, prints a table, then everything as JSON. */
import { writeFileSync } from "node:fs";
import { parseFlags } from "./flags.ts";
import { commit, loadNow, machineFacts } from "./machine.ts";
import { type Report, type Scenario, type Surroundings, stackFor } from "./scenario.ts";
import { coordinatorDeath } from "./scenarios/coordinator-death.ts";
import { idle } from "./scenarios/idle.ts";
import { latency } from "./scenarios/latency.ts";
import { reads } from "./scenarios/reads.ts";
import { scheduling } from "./scenarios/scheduling.ts";
import { throughput } from "./scenarios/throughput.ts";
import { workerDeath } from "./scenarios/worker-death.ts";
import { table, verdictOf } from "./table.ts";

const scenarios: Readonly<Record<string, Scenario>> = {
  latency,
  throughput,
  reads,
  "worker-death": workerDeath,
  "coordinator-death": coordinatorDeath,
  idle,
  scheduling,
};

const scenarioMsMax = 15 * 60_000;

interface Outcome extends Report {
  readonly scenario: string;
  readonly load_average: { readonly before: number[]; readonly after: number[] };
  /** What went wrong, if anything did: the other scenarios run all the same. */
  readonly error?: string;
}

async function run(scenario: string, around: Omit<Surroundings, "signal">): Promise<Outcome> {
  const before = loadNow();
  const work = scenarios[scenario];
  if (work === undefined) throw new Error(`unreachable: ${scenario} was checked with the flags`);
  around.say(`\n${scenario}`);
  try {
    const report = await work({ ...around, signal: AbortSignal.timeout(scenarioMsMax) });
    return { scenario, ...report, load_average: { before, after: loadNow() } };
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    around.say(message);
    return { scenario, measurements: [], details: {}, load_average: { before, after: loadNow() }, error: message };
  }
}

const flags = parseFlags(process.argv, Object.keys(scenarios));
const say = (line: string) => process.stderr.write(`${line}\n`);
const facts = { ...commit(), date: new Date().toISOString(), quick: flags.quick, prepare: flags.prepare };
const machine = machineFacts();
const outcomes: Outcome[] = [];
for (const scenario of flags.only) {
  const stack = stackFor({ prepareStatements: flags.prepare });
  outcomes.push(await run(scenario, { quick: flags.quick, stack, say }));
}
const measurements = outcomes.flatMap((outcome) => outcome.measurements);
process.stdout.write(`\n${table(measurements)}\n`);
const json = JSON.stringify({ bench: "niyanta", ...facts, machine, scenarios: outcomes }, null, 2);
if (flags.json === null) process.stdout.write(`${json}\n`);
else writeFileSync(flags.json, `${json}\n`);
const isMissed = measurements.some((measurement) => verdictOf(measurement) === "missed");
process.exitCode = isMissed || outcomes.some(({ error }) => error !== undefined) ? 1 : 0;
