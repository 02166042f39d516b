/**
 * The list of processes a stack has started, kept in a file for the next start and in a watchdog's memory for the
 * case that the supervisor is killed: whoever notices first ends what was left.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { z } from "zod";
import { readJsonFile, writeJsonFile } from "./json-file.ts";
import {
  identify,
  isSameProcess,
  type ProcessIdentity,
  processIdentitySchema,
  signalProcess,
  waitUntilGone,
} from "./process-identity.ts";

const ledgerSchema = z.object({ supervisor: processIdentitySchema, started: z.array(processIdentitySchema) });
type Ledger = z.infer<typeof ledgerSchema>;

const politeMs = 3_000;
const killedMs = 10_000;

/** Reads lines of pids; when its input closes, the supervisor is gone and the pids of the last line are ended. */
const watchdogScript = `
while read -r line; do pids=$line; done
[ -n "$pids" ] || exit 0
kill -TERM $pids 2>/dev/null; sleep 2; kill -CONT $pids 2>/dev/null; kill -KILL $pids 2>/dev/null; exit 0`;

export interface ProcessLedger {
  add(pid: number, part: string): void;
  remove(pid: number): void;
  close(): void;
}

export function openProcessLedger(path: string): ProcessLedger {
  const supervisor = identify(process.pid, "supervisor");
  if (supervisor === null) throw new Error(`reading the start time of our own process ${process.pid}`);
  const started = new Map<number, ProcessIdentity>();
  const watchdog = startWatchdog();
  const record = () => {
    writeJsonFile(path, { supervisor, started: [...started.values()] } satisfies Ledger);
    watchdog.stdin?.write(`${[...started.keys()].join(" ")}\n`);
  };
  record();
  return {
    add(pid, part) {
      const identity = identify(pid, part);
      if (identity === null) return;
      started.set(pid, identity);
      record();
    },
    remove(pid) {
      if (started.delete(pid)) record();
    },
    close() {
      if (started.size > 0) return; // what could not be ended stays the watchdog's
      watchdog.stdin?.end();
      rmSync(path, { force: true });
    },
  };
}

function startWatchdog(): ChildProcess {
  // Its own session: Ctrl-C in the terminal must not reach it.
  const watchdog = spawn("sh", ["-c", watchdogScript], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  watchdog.stdin?.on("error", () => watchdog.stdin?.destroy());
  watchdog.unref();
  const { stdin } = watchdog;
  if (stdin && "unref" in stdin && typeof stdin.unref === "function") stdin.unref();
  return watchdog;
}

/** The supervisor that runs on this ledger now, if there is one. */
export function runningSupervisor(path: string): ProcessIdentity | null {
  const ledger = readJsonFile(path, ledgerSchema);
  return ledger !== null && isSameProcess(ledger.supervisor) ? ledger.supervisor : null;
}

/** Ends what a killed supervisor left running; answers how many processes that were. */
export async function endLeftovers(path: string): Promise<number> {
  const ledger = readJsonFile(path, ledgerSchema);
  const left = ledger === null ? [] : ledger.started.filter(isSameProcess);
  for (const one of left) endGently(one);
  if (!(await waitUntilGone(left, politeMs))) for (const one of left) signalProcess(one, "SIGKILL");
  if (!(await waitUntilGone(left, killedMs))) throw new Error(`ending what an earlier run left (see ${path})`);
  rmSync(path, { force: true });
  return left.length;
}

/** SIGQUIT asks Postgres to end at once together with its backends, SIGKILL would orphan them. */
function endGently(one: ProcessIdentity): void {
  signalProcess(one, one.part === "postgres" ? "SIGQUIT" : "SIGKILL");
}
