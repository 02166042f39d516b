/** A bash that types commands one by one: variables and functions live on, and the status of each request is seen. */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Outcome } from "./step.ts";

const boundMs = 60_000;
const pollMs = 100;

/** `set -a`: what a command sets is there for the next one. */
const script = `set -o pipefail
[ -f "$TOUR/state" ] && . "$TOUR/state"
set -a; . "$TOUR/command"; code=$?; set +a
{ declare -f; export -p | grep -v ' TOUR='; } > "$TOUR/state.next" && mv "$TOUR/state.next" "$TOUR/state"
exit $code`;

export interface Shell {
  /** Throws when the command fails, or takes too long. */
  run(command: string): Promise<Outcome>;
  /** Resolves when the command succeeds. */
  until(command: string): Promise<void>;
}

/** `folder`: for what it remembers; `home`: where commands are typed. */
export function openShell(folder: string, home: string): Shell {
  const headers = join(folder, "headers");
  // curl reads this file whatever is typed: so the page need not ask for what only we want to know.
  writeFileSync(join(folder, ".curlrc"), `dump-header = "${headers}"\n`);
  const env = { ...process.env, CURL_HOME: folder, TOUR: folder };
  const start = (command: string) => {
    writeFileSync(join(folder, "command"), command);
    return spawn("bash", ["-c", script], { cwd: home, env, stdio: ["ignore", "pipe", "pipe"] });
  };
  return {
    async run(command) {
      rmSync(headers, { force: true });
      const { code, output, errors } = await finish(start(command));
      if (code !== 0) throw new Error(`the command ended with ${code}: ${command}\n${output}${errors}`);
      return { status: requestsOf(command) === 1 ? statusIn(headers) : null, output };
    },
    async until(command) {
      const end = performance.now() + boundMs;
      while ((await finish(start(command))).code !== 0) {
        if (performance.now() > end) throw new Error(`waited in vain for: ${command}`);
        await delay(pollMs);
      }
    },
  };
}

interface Finished {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

const requestsOf = (command: string): number => command.match(/\bcurl\b/g)?.length ?? 0;

function finish(child: ChildProcess): Promise<Finished> {
  let [output, errors] = ["", ""];
  const late = setTimeout(() => child.kill("SIGKILL"), boundMs);
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(late);
      resolve({ code, output, errors });
    });
  });
}

/** Of the last line of its kind: what came before it was "100 Continue". */
function statusIn(path: string): number | null {
  const [, status] = [...readFileSync(path, "utf8").matchAll(/^HTTP\/\S+ (\d{3})/gm)].at(-1) ?? [];
  return status === undefined ? null : Number(status);
}
