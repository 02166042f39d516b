/** Runs the stack in the foreground until a signal, or hands it to a process of its own with --detach. */
import { relative } from "node:path";
import pc from "picocolors";
import { bannerOf } from "./banner.ts";
import { describeExit } from "./child.ts";
import { defaultDataFolder, describeDataFolder } from "./data-folder.ts";
import { detach } from "./dev-detach.ts";
import { devFileSchema } from "./dev-file.ts";
import { type DevFlags, parseDevFlags, portDefault } from "./dev-flags.ts";
import { explain } from "./explain.ts";
import { readJsonFile } from "./json-file.ts";
import { isPortFree } from "./ports.ts";
import { runningSupervisor } from "./process-ledger.ts";
import { type Stack, startStack } from "./stack.ts";
import { removeFolder } from "./stack-folder.ts";
import type { StackOptions } from "./stack-options.ts";

const folder = describeDataFolder(defaultDataFolder);
const shownFolder = relative(process.cwd(), folder.root) || ".";

export async function runDevCommand(host: StackOptions["host"]): Promise<void> {
  const flags = parseDevFlags(process.argv);
  try {
    if (refuseSecond()) return;
    if (flags.fresh) await removeFolder(folder.root);
    if (flags.detach) await detach(process.argv, folder, (dev) => console.log(bannerOf(dev, shownFolder, true)));
    else await runForeground(flags, host);
  } catch (error) {
    console.error(pc.red(explain(error)));
    process.exitCode = 1;
  }
}

function refuseSecond(): boolean {
  if (runningSupervisor(folder.processFile) === null) return false;
  const url = readJsonFile(folder.devFile, devFileSchema)?.api_url;
  console.error(url ? `Niyanta runs already: ${url}` : "Niyanta is starting already.");
  console.error("npm run stop ends it.");
  process.exitCode = 1;
  return true;
}

async function runForeground(flags: DevFlags, host: StackOptions["host"]): Promise<void> {
  console.log("Starting Postgres, NATS, the control plane and its agents …");
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => onSignal(stop));
  const stack = await startStack({
    ...flags,
    host,
    port: await choosePort(flags),
    dataFolder: folder.root,
    databaseUrl: process.env.DATABASE_URL || null,
    watch: host === "miniflare",
    say: (line) => console.log(pc.dim(line)),
  });
  report(stack);
  process.send?.({ ready: true });
  console.log(bannerOf(stack.dev, shownFolder, false));
  if (!stop.signal.aborted) await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
  console.log("Stopping …");
  await stack.stop();
  process.exit(0);
}

/** The second signal ends at once: the watchdog ends the rest. */
function onSignal(stop: AbortController): void {
  if (stop.signal.aborted) process.exit(1);
  stop.abort();
}

/** The usual port where it is free; a port that was asked for must be free. */
async function choosePort(flags: DevFlags): Promise<number> {
  if (flags.portChosen || (await isPortFree(portDefault))) return flags.port;
  return 0;
}

function report(stack: Stack): void {
  stack.events.on("part-exit", (name, exit) => console.log(pc.yellow(`${name} ended (${describeExit(exit)})`)));
  stack.events.on("part-ready", (name) => console.log(pc.dim(`${name} is ready`)));
  stack.events.on("part-failed", (name, error) => console.error(pc.red(`${name}: ${explain(error)}`)));
}
