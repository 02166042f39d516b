/** `npm run stop`: ends the stack that runs on the default data folder, and whatever a killed one left. */
import { rmSync } from "node:fs";
import { defaultDataFolder, describeDataFolder } from "./data-folder.ts";
import { signalProcess, waitUntilGone } from "./process-identity.ts";
import { endLeftovers, runningSupervisor } from "./process-ledger.ts";

const stopBoundMs = 60_000;

async function stopSupervisor(processFile: string): Promise<boolean> {
  const supervisor = runningSupervisor(processFile);
  if (supervisor === null) return false;
  signalProcess(supervisor, "SIGTERM");
  if (await waitUntilGone([supervisor], stopBoundMs)) return true;
  console.error(`Niyanta (pid ${supervisor.pid}) did not stop within ${stopBoundMs / 1_000} s: ending it.`);
  signalProcess(supervisor, "SIGKILL");
  return true;
}

const folder = describeDataFolder(defaultDataFolder);
const stopped = await stopSupervisor(folder.processFile);
const left = await endLeftovers(folder.processFile);
rmSync(folder.devFile, { force: true });
if (stopped) console.log("Niyanta is stopped.");
else if (left > 0) console.log(`Niyanta was not running; ended ${left} processes that an earlier run had left.`);
else console.log("Niyanta is not running.");
