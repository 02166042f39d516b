/** A worker agent as a part: each life is a new worker. */
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import type { WorkerId } from "../../schema/ids.ts";
import { type Child, endedEarly, startChild } from "./child.ts";
import { orKill, stopChild } from "./child-stop.ts";
import { repositoryRoot } from "./data-folder.ts";
import type { Launch } from "./part.ts";
import type { ProcessLedger } from "./process-ledger.ts";

export interface AgentSpec {
  pool: string;
  slots: number;
  tags: Record<string, string>;
  /** More environment, for what a test or a tool wants different. */
  env: Record<string, string>;
}

export interface AgentOptions {
  spec: AgentSpec;
  /** The program to run: `worker-agent/main.ts`. */
  program: string;
  apiUrl: string;
  token(pool: string): Promise<string>;
  commandsFile: string;
  drainSeconds: number;
  logLevel: string;
  logFile: string;
  ledger: ProcessLedger;
  newWorkerId(): WorkerId;
  onWorkerId(workerId: WorkerId): void;
}

const stopExtraMs = 2_000;
const registeredBoundMs = 60_000;
const lineSchema = z.object({ msg: z.literal("registered") });

export const agentProgram = join(repositoryRoot, "worker-agent", "main.ts");

export function agentLaunch(options: AgentOptions): Launch {
  return async (signal) => {
    const workerId = options.newWorkerId();
    const child = await startChild(
      {
        part: "agent",
        command: process.execPath,
        args: [options.program],
        logFile: options.logFile,
        channel: "lines",
        env: await agentEnvironment(workerId, options),
      },
      options.ledger,
    );
    await orKill(child, untilRegistered(child, options, signal));
    options.onWorkerId(workerId);
    const boundMs = options.drainSeconds * 1_000 + stopExtraMs;
    return { pid: () => child.pid, exited: child.exited, stop: () => stopChild(child, { signal: "SIGTERM", boundMs }) };
  };
}

/** Where the broker is, the agent hears when it enrols. */
async function agentEnvironment(workerId: WorkerId, options: AgentOptions): Promise<Record<string, string>> {
  const { spec } = options;
  return {
    NIYANTA_API_URL: options.apiUrl,
    NIYANTA_AGENT_TOKEN: await options.token(spec.pool),
    NIYANTA_WORKER_ID: workerId,
    NIYANTA_POOL: spec.pool,
    NIYANTA_SLOTS: String(spec.slots),
    NIYANTA_TAGS: formatTags(spec.tags),
    NIYANTA_COMMANDS: options.commandsFile,
    NIYANTA_DRAIN_SECONDS: String(options.drainSeconds),
    NIYANTA_LOG_LEVEL: options.logLevel,
    ...spec.env,
  };
}

export const formatTags = (tags: Record<string, string>): string =>
  Object.entries(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");

function untilRegistered(child: Child, options: AgentOptions, signal: AbortSignal): Promise<void> {
  const bound = AbortSignal.any([signal, AbortSignal.timeout(registeredBoundMs)]);
  return new Promise((resolve, reject) => {
    readLines(child, options.logFile, (line) => isRegistered(line) && resolve());
    child.exited.then((exit) => reject(endedEarly("agent", exit, options.logFile)), reject);
    bound.addEventListener("abort", () =>
      reject(new Error(`the agent did not register; its log is ${options.logFile}`, { cause: bound.reason })),
    );
  });
}

/** Every line goes to the log; `hear` sees it too. */
function readLines(child: Child, logFile: string, hear: (line: string) => void): void {
  const { stdout } = child.process;
  if (stdout === null) throw new Error("the agent has no standard output to read");
  const log = createWriteStream(logFile, { flags: "a" });
  createInterface({ input: stdout })
    .on("line", (line) => {
      log.write(`${line}\n`);
      hear(line);
    })
    .on("close", () => log.end());
}

function isRegistered(line: string): boolean {
  if (!line.includes('"registered"')) return false; // most lines: not worth parsing
  try {
    return lineSchema.safeParse(JSON.parse(line)).success;
  } catch {
    return false; // a line that only looks like JSON
  }
}
