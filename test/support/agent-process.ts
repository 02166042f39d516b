/** The real agent as a child process of a test, its log lines heard one by one. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { WorkerId } from "../../schema/ids.ts";
import { Occurrences } from "./occurrences.ts";
import { testIds } from "./scripted-coordinator.ts";

const program = fileURLToPath(new URL("../../worker-agent/main.ts", import.meta.url));
const lineSchema = z.looseObject({ msg: z.string() });

export interface AgentProcess {
  readonly workerId: WorkerId;
  readonly child: ChildProcess;
  readonly lines: Occurrences<z.infer<typeof lineSchema>>;
  readonly stderr: () => string;
  readonly exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  /** Ends it by force, if it has not ended. */
  stop(): Promise<void>;
}

export function spawnAgent(env: Record<string, string>): AgentProcess {
  const workerId = testIds.worker();
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env.PATH, NIYANTA_AGENT_TOKEN: "agent-token", NIYANTA_WORKER_ID: workerId, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines = new Occurrences<z.infer<typeof lineSchema>>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (process.env.SHOW_AGENT_LOG) process.stderr.write(`${line}\n`);
    lines.add(lineSchema.parse(JSON.parse(line)));
  });
  let complaints = "";
  child.stderr.on("data", (text) => {
    complaints += String(text);
    if (process.env.SHOW_AGENT_LOG) process.stderr.write(String(text));
  });
  const exited = once(child, "exit").then(([code]) => (typeof code === "number" ? code : null));
  const kill = (signal: NodeJS.Signals) => void child.kill(signal);
  return { workerId, child, lines, stderr: () => complaints, exited, kill, stop: () => end(child, exited) };
}

async function end(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  await exited;
}

/** Resolves when the agent has registered; rejects when it ends before. */
export async function startAgent(env: Record<string, string>): Promise<AgentProcess> {
  const agent = spawnAgent(env);
  const ended = agent.exited.then((code) => {
    throw new Error(`the agent ended with ${code}: ${agent.stderr()}`);
  });
  await Promise.race([agent.lines.until(({ msg }) => msg === "registered"), ended]);
  ended.catch(() => undefined);
  return agent;
}
