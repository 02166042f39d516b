/** Backends outlive a server that was killed, for as long as their query runs, and keep the next server from starting. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { identify, type ProcessIdentity, signalProcess, waitUntilGone } from "./process-identity.ts";

const leaveByThemselvesMs = 500;
const killedMs = 5_000;

/** Only Linux tells a process's working folder, which is a backend's data folder; elsewhere they end by themselves. */
export async function endOrphanedBackends(data: string): Promise<void> {
  if (process.platform !== "linux") return;
  const orphans = findBackends(data);
  if (await waitUntilGone(orphans, leaveByThemselvesMs)) return;
  for (const orphan of orphans) signalProcess(orphan, "SIGKILL");
  if (!(await waitUntilGone(orphans, killedMs))) throw new Error(`ending Postgres backends that use ${data}`);
}

function findBackends(data: string): ProcessIdentity[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isBackendOf(name, data))
    .map((name) => identify(Number(name), "postgres backend"))
    .filter((identity) => identity !== null);
}

function isBackendOf(pid: string, data: string): boolean {
  try {
    return (
      readlinkSync(`/proc/${pid}/cwd`) === data && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("postgres")
    );
  } catch {
    return false; // gone meanwhile, or another user's: not one of ours
  }
}
