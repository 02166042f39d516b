/** Stopping a process for sure: the signal is sent at once, its threads stop one by one. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const lookAgainMs = 1;

/** Resolves when no thread of the process runs any more, so that nothing sent from now on is answered. Linux only. */
export async function freezeProcess(pid: number): Promise<void> {
  process.kill(pid, "SIGSTOP");
  while (!isStopped(pid)) await pause(lookAgainMs);
}

const isStopped = (pid: number): boolean =>
  readdirSync(`/proc/${pid}/task`).every((thread) => stateOf(`/proc/${pid}/task/${thread}/stat`) === "T");

/** The field after the name, which stands in parentheses and may hold anything. */
const stateOf = (file: string): string | undefined => readFileSync(file, "utf8").split(") ").at(-1)?.[0];
