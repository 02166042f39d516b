/** The demo from the first step to the last: start, submit, kill, resume, check, stop. */
import { join } from "node:path";
import { type Stack, startStack } from "../stack.ts";
import { writeBook } from "./book.ts";
import { createClient } from "./client.ts";
import { type Evidence, findFault } from "./evidence.ts";
import type { Narrator } from "./narrator.ts";
import { type Scene, submitWork, watchAndKill, watchResumed } from "./scenes.ts";
import { seconds, summaryLines } from "./summary.ts";
import { tableLines, trailRows } from "./trail.ts";
import { type Counted, countWords, describeCounts } from "./word-counts.ts";

/** Shorter than the defaults (15 s and 5 s), so that nobody has to wait long. */
const leaseSeconds = 6;
const heartbeatSeconds = 2;
/** Of the whole demo, on the slowest machine: then something hangs. */
const boundMs = 180_000;

/** What was not as promised; null: nothing. */
export async function tell(folder: string, narrator: Narrator, stop: AbortSignal): Promise<string | null> {
  const late = AbortSignal.timeout(boundMs);
  narrator.say("Niyanta runs long work on workers that may die. In this demo one does, and nothing is lost.");
  narrator.say("It takes about 40 seconds. Ctrl-C stops it, and leaves nothing behind.");
  try {
    return await onOwnStack(folder, narrator, AbortSignal.any([stop, late]));
  } catch (error) {
    if (late.aborted && !stop.aborted) return `It was not over after ${seconds(boundMs)}: the work did not go on.`;
    throw error;
  }
}

async function onOwnStack(folder: string, narrator: Narrator, signal: AbortSignal): Promise<string | null> {
  await using stack = await startAll(folder, narrator);
  signal.throwIfAborted();
  const book = await makeBook(folder, narrator, signal);
  const fault = await workAndKill({ stack, narrator, signal, book }, book.counted);
  narrator.step("Stop everything");
  return fault;
}

async function startAll(folder: string, narrator: Narrator): Promise<Stack> {
  narrator.step("Start everything, on this machine only");
  narrator.say("Postgres (remembers everything), nats-server (carries messages), the control plane in workerd,");
  narrator.say("and two worker agents. They are real, and separate from any other stack you may have running.");
  narrator.say(`An agent must show a sign of life every ${heartbeatSeconds} s. After ${leaseSeconds} s without one`);
  narrator.say("it counts as dead (its lease; the default is 15 s, this is shorter so that you wait less).");
  const begun = performance.now();
  const stack = await startStack({
    dataFolder: folder,
    ...{ agents: 2, leaseSeconds, heartbeatSeconds },
    restart: false, // the killed agent stays dead: the other one has to do it
    say: (line) => narrator.say(line),
  });
  narrator.say(`Ready in ${seconds(performance.now() - begun)}: ${stack.dev.api_url}`);
  const agents = stack.dev.processes.agents.map(({ pid }, at) => `agent ${at + 1} is process ${pid}`);
  narrator.say(`${agents.join(", ")}.`);
  return stack;
}

interface Book {
  path: string;
  bytes: number;
  counted: Counted;
}

async function makeBook(folder: string, narrator: Narrator, signal: AbortSignal): Promise<Book> {
  narrator.step("Make something to work on");
  const path = join(folder, "book.txt");
  const bytes = writeBook(path);
  const counted = await countWords(path, signal);
  narrator.say(`A text file of 50 chapters: ${path}`);
  narrator.say(`${counted.by} says it has ${describeCounts(counted.counts)}.`);
  return { path, bytes, counted };
}

async function workAndKill(surroundings: Omit<Scene, "client" | "names">, counted: Counted): Promise<string | null> {
  const { stack, signal, narrator } = surroundings;
  const { api_url, customer_key, processes } = stack.dev;
  const names = new Map(processes.agents.map(({ worker_id }, at) => [worker_id, `agent ${at + 1}`]));
  const scene = { ...surroundings, names, client: createClient(api_url, customer_key, signal) };
  const id = await submitWork(scene);
  const killed = await watchAndKill(scene, id);
  if ("fault" in killed) return killed.fault;
  const resumed = await watchResumed(scene, id, killed);
  const events = await scene.client.audit(id);
  const evidence: Evidence = { expected: counted.counts, killed, ...resumed, events };
  narrator.step("Read its audit trail: each change was recorded in the same statement as the change itself");
  narrator.say(...tableLines(trailRows(events, names)));
  narrator.step("See what was measured");
  narrator.say(...summaryLines(evidence, counted.by));
  return findFault(evidence);
}
