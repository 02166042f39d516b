/** Where and on what the numbers were measured. */
import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem } from "node:os";

const bytesAGb = 1024 ** 3;

export const machineFacts = () => ({
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memory_gb: Math.round(totalmem() / bytesAGb),
  kernel: release(),
  node: process.version,
  load_average: loadNow(),
});

/** Above the number of cores at the start, somebody else is at work too. */
export const loadNow = (): number[] => loadavg().map((load) => Math.round(load * 100) / 100);

export function commit(): { commit: string; changed: boolean } {
  try {
    return { commit: git("rev-parse", "HEAD"), changed: git("status", "--porcelain") !== "" };
  } catch {
    return { commit: "unknown", changed: false }; // a copy without its history
  }
}

const git = (...args: string[]): string =>
  execFileSync("git", args, { cwd: import.meta.dirname, encoding: "utf8" }).trim();
