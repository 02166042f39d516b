/** Tells a process from a later one that was given the same pid, and ends those that are really ours. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";

export const processIdentitySchema = z.object({ pid: z.int().positive(), started: z.string(), part: z.string() });
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

const goneCheckMs = 20;
const startTimeField = 19; // of /proc/<pid>/stat, counted after the command's closing parenthesis
const stateField = 0;

/** A text that differs between two processes with the same pid; null when there is no such process (or only its zombie). */
export function startTimeOf(pid: number): string | null {
  try {
    return process.platform === "linux" ? startTicks(pid) : startTimeByPs(pid);
  } catch {
    return null; // gone between the question and the answer: that is the answer
  }
}

function startTicks(pid: number): string | null {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[stateField] === "Z" ? null : (fields[startTimeField] ?? null);
}

function startTimeByPs(pid: number): string | null {
  return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || null;
}

export function identify(pid: number, part: string): ProcessIdentity | null {
  const started = startTimeOf(pid);
  return started === null ? null : { pid, started, part };
}

export const isSameProcess = (identity: ProcessIdentity): boolean => startTimeOf(identity.pid) === identity.started;

/** Sends the signal if the process is still the one that was identified; says whether it was. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isSameProcess(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw new Error(`sending ${signal} to ${identity.part} (pid ${identity.pid})`, { cause: error });
  }
}

/** True when all of them are gone within `boundMs`. */
export async function waitUntilGone(identities: readonly ProcessIdentity[], boundMs: number): Promise<boolean> {
  const end = performance.now() + boundMs;
  while (identities.some(isSameProcess)) {
    if (performance.now() > end) return false;
    await delay(goneCheckMs);
  }
  return true;
}
