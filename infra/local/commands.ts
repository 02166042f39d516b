/** Which commands the agents of a local stack run: here, and only here, a customer's input may be a script. */
import { writeJsonFile } from "./json-file.ts";

const exitBadInput = 65;

const printScript = `
const script = JSON.parse(process.env.NIYANTA_INPUT)?.script;
if (typeof script !== "string") { console.error("the input has no text named script"); process.exit(${exitBadInput}); }
process.stdout.write(script);`;

/** `exec`: the script's shell takes the place of this one, so that a signal reaches it, once. */
const runScript = `script=$("$1" -e "$2") || exit ${exitBadInput}; exec sh -c "$script"`;

export function writeCommandsFile(path: string): void {
  writeJsonFile(path, { shell: { command: ["sh", "-c", runScript, "sh", process.execPath, printScript] } });
}
