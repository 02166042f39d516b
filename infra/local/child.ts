/** Starts a child process of the stack: in its own session, its output in a log file, known to the ledger. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import type { ProcessLedger } from "./process-ledger.ts";

export interface ProcessExit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Child {
  pid: number;
  process: ChildProcess;
  exited: Promise<ProcessExit>;
}

export interface ChildSpec {
  part: string;
  command: string;
  args: readonly string[];
  logFile: string;
  env?: Record<string, string>;
  cwd?: string;
  /** "ipc": a message channel that closes with the parent. "lines": standard output is the caller's to read. */
  channel?: "none" | "ipc" | "lines";
  user?: { uid: number; gid: number };
}

export async function startChild(spec: ChildSpec, ledger: ProcessLedger): Promise<Child> {
  const child = spawnWithLog(spec);
  const exited = new Promise<ProcessExit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  await once(child, "spawn").catch((error: unknown) => {
    throw new Error(`starting ${spec.part} (${spec.command})`, { cause: error });
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`starting ${spec.part}: no pid`);
  ledger.add(pid, spec.part);
  return { pid, process: child, exited: exited.finally(() => ledger.remove(pid)) };
}

function spawnWithLog(spec: ChildSpec): ChildProcess {
  const log = openSync(spec.logFile, "a");
  const channel = spec.channel ?? "none";
  const options: SpawnOptions = {
    cwd: spec.cwd,
    env: { ...process.env, ...spec.env },
    // Ctrl-C reaches the supervisor only, which then ends its children in order.
    detached: true,
    stdio: ["ignore", channel === "lines" ? "pipe" : log, log, ...(channel === "ipc" ? ["ipc" as const] : [])],
    ...spec.user,
  };
  try {
    return spawn(spec.command, [...spec.args], options);
  } finally {
    closeSync(log);
  }
}

/** What a part says that ended before it was ready, with the place of its log. */
export function endedEarly(part: string, exit: ProcessExit, logFile: string): Error {
  return new Error(`${part} ended before it was ready (${describeExit(exit)}); its log is ${logFile}`);
}

export const describeExit = (exit: ProcessExit): string =>
  exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
