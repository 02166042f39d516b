/** `npm run dev -- --detach`: starts the same command in a process of its own and returns when that one is ready. */
import { fork } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type DataFolder, openDataFolder } from "./data-folder.ts";
import { type DevFile, devFileSchema } from "./dev-file.ts";
import { readJsonFile } from "./json-file.ts";

export async function detach(argv: readonly string[], folder: DataFolder, show: (dev: DevFile) => void): Promise<void> {
  const [, program = "", ...flags] = argv;
  const logFile = join(openDataFolder(folder.root).logs, "dev.log");
  const log = openSync(logFile, "w");
  // What is to be empty is empty by now; the log is open.
  const rest = flags.filter((flag) => flag !== "--detach" && flag !== "--fresh");
  const child = fork(program, rest, { detached: true, stdio: ["ignore", log, log, "ipc"] });
  const ready = await new Promise<boolean>((resolve) => {
    child.once("message", () => resolve(true));
    child.once("exit", () => resolve(false));
  });
  if (!ready) throw new Error(readFileSync(logFile, "utf8").trim());
  child.disconnect();
  child.unref();
  const dev = readJsonFile(folder.devFile, devFileSchema);
  if (dev === null) throw new Error(`the stack is ready, but ${folder.devFile} is missing`);
  show(dev);
}
