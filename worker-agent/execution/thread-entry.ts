/** What runs inside a worker thread: one attempt at a time, its context proxied by messages. */
import { parentPort } from "node:worker_threads";
import { CheckpointError, type WorkloadDefinition } from "../sdk.ts";
import { importDefinitions } from "./definitions.ts";
import { thrownError } from "./error.ts";
import type { Ending, Host, Running } from "./running.ts";
import type { FromThread, ToThread } from "./thread-messages.ts";
import { WorkloadRun } from "./workload-run.ts";

interface Current {
  readonly run: number;
  readonly host: Host;
  running: Running | null;
  aborted: Extract<ToThread, { kind: "abort" }> | null;
}

const port = parentPort;
if (port === null) throw new Error("this module runs in a worker thread only");

const saves = new Map<number, { resolve(): void; reject(error: Error): void }>();
let saveCount = 0;
let current: Current | null = null;

const post = (message: FromThread) => port.postMessage(message);

const hostOf = (run: number): Host => ({
  progress: (percent, message) => post({ kind: "progress", run, percent, message }),
  log: (level, message, details) => {
    const plain = details === undefined ? undefined : plainJson(details);
    post({ kind: "log", run, level, message, ...(plain === undefined ? {} : { details: plain }) });
  },
  save: (state) =>
    new Promise((resolve, reject) => {
      saveCount += 1;
      saves.set(saveCount, { resolve, reject });
      post({ kind: "save", run, save: saveCount, state });
    }),
});

/** What JSON makes of it, so that neither a function nor a cycle stops a log line. */
function plainJson(value: unknown) {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    return String(value);
  }
}

async function definitionOf(module: string, type: string): Promise<WorkloadDefinition> {
  const found = (await importDefinitions(module)).find((definition) => definition.type === type);
  if (found === undefined) throw new Error(`${module} exports no workload of type ${type}`);
  return found;
}

async function run(message: Extract<ToThread, { kind: "run" }>): Promise<void> {
  const mine: Current = { run: message.run, host: hostOf(message.run), running: null, aborted: null };
  current = mine;
  const ending = await runJob(mine, message).catch((error): Ending => ({ kind: "threw", error: thrownError(error) }));
  if (current === mine) current = null;
  post({ kind: "ended", run: message.run, ending });
}

async function runJob(mine: Current, message: Extract<ToThread, { kind: "run" }>): Promise<Ending> {
  const definition = await definitionOf(message.module, message.job.workloadType);
  mine.running = new WorkloadRun(definition, message.job, mine.host);
  if (mine.aborted !== null) mine.running.abort(mine.aborted.reason);
  return mine.running.ended;
}

function settleSave(message: Extract<ToThread, { kind: "saved" }>): void {
  const save = saves.get(message.save);
  saves.delete(message.save);
  if (message.error === null) save?.resolve();
  else save?.reject(new CheckpointError(message.error.code, message.error.message));
}

function abort(message: Extract<ToThread, { kind: "abort" }>): void {
  if (current?.run !== message.run) return;
  current.aborted = message;
  current.running?.abort(message.reason);
}

async function giveState(message: Extract<ToThread, { kind: "state" }>): Promise<void> {
  const running = current?.run === message.run ? current.running : null;
  post({ kind: "state", run: message.run, state: (await running?.state()) ?? null });
}

/** A rejection here ends the thread, and with it the attempt: nobody else could answer for it. */
async function take(message: ToThread): Promise<void> {
  if (message.kind === "run") await run(message);
  else if (message.kind === "abort") abort(message);
  else if (message.kind === "state") await giveState(message);
  else if (message.kind === "saved") settleSave(message);
  else await Promise.all(message.modules.map((module) => import(module)));
}

/** What user code prints belongs to its own log, not to the agent's. */
function captureOutput(stream: NodeJS.WriteStream, level: "info" | "warn"): void {
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    const text = typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk);
    for (const line of text.split("\n")) if (line !== "") current?.host.log(level, line);
    const written = rest.at(-1);
    if (typeof written === "function") queueMicrotask(() => written());
    return true;
  };
}

captureOutput(process.stdout, "info");
captureOutput(process.stderr, "warn");
port.on("message", (message: ToThread) => void take(message));
