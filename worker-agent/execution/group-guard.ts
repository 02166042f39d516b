/**
 * A process beside the agent that ends its process groups when the agent cannot: killed, or frozen for longer than its
 * lease. It reads lines on its standard input: `add <pid>`, `end <pid>`, `allow <milliseconds from now>`.
 */
import { createInterface } from "node:readline";

const groups = new Set<number>();
let timer: NodeJS.Timeout | null = null;

function endAll(): void {
  for (const pid of groups) killGroup(pid);
  groups.clear();
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // It has ended by itself: that is what was wanted.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

function allow(ms: number): void {
  if (timer !== null) clearTimeout(timer);
  timer = setTimeout(endAll, ms);
}

// Signals to the agent's terminal are the agent's to handle; the end of its pipe is what counts here.
process.on("SIGINT", () => undefined).on("SIGTERM", () => undefined);
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [word, number] = line.split(" ");
    if (word === "add") groups.add(Number(number));
    else if (word === "end") groups.delete(Number(number));
    else if (word === "allow") allow(Number(number));
  })
  .on("close", () => {
    endAll();
    process.exit(0);
  });
