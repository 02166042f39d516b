/** Runs the demo from the flags to the exit code: 0 only when everything checked out, else 1 and one reason. */
import { type Command, Command as Program } from "commander";
import { explain } from "../explain.ts";
import { ensureNatsServer } from "../nats-program.ts";
import { removeFolder } from "../stack-folder.ts";
import { demoFolderName, makeDemoFolder, removeLeftovers } from "./folder.ts";
import { isFancy } from "./looks.ts";
import { createNarrator, type Narrator } from "./narrator.ts";
import { onSignals } from "./signals.ts";
import { tell } from "./story.ts";

export async function runDemoCommand(argv: readonly string[]): Promise<void> {
  describeCommand().parse(argv);
  const narrator = createNarrator(process.stdout, isFancy({ argv, env: process.env, isTty: process.stdout.isTTY }));
  const stop = new AbortController();
  onSignals(process, stop, () => narrator.say("Stopping everything, one moment …"));
  const fault = await perform(narrator, stop.signal);
  if (fault === null) narrator.done("Everything checked out.");
  else narrator.fail(fault);
  process.exit(fault === null ? 0 : 1);
}

const describeCommand = (): Command =>
  new Program("npm run demo --")
    .description(
      "Starts Niyanta on this machine, kills a worker in the middle of its work, shows that nothing is lost.",
    )
    .option("--no-color", "plain lines, without colours and moving bars");

/** What went wrong, in words; null: nothing. */
async function perform(narrator: Narrator, signal: AbortSignal): Promise<string | null> {
  try {
    ensureNatsServer((line) => narrator.say(line));
    await removeLeftovers();
    return await inOwnFolder(narrator, signal);
  } catch (error) {
    return signal.aborted ? "It was stopped before its end." : explain(error);
  }
}

async function inOwnFolder(narrator: Narrator, signal: AbortSignal): Promise<string | null> {
  const folder = makeDemoFolder(demoFolderName(process.pid));
  try {
    return await tell(folder, narrator, signal);
  } finally {
    await removeFolder(folder);
  }
}
