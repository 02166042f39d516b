/** `wrangler dev` as the host of the control plane, for those who like its tools; cron is fired through its local route. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Child, endedEarly, startChild } from "./child.ts";
import { orKill, stopChild } from "./child-stop.ts";
import type { CoordinatorOptions } from "./coordinator.ts";
import type { Launch } from "./part.ts";

const readyCheckMs = 100;
const readyBoundMs = 60_000;
const minuteMs = 60_000;
const stopManner = { signal: "SIGTERM", boundMs: 5_000 } as const;

export function wranglerLaunch(options: CoordinatorOptions): Launch {
  return async (signal) => {
    const child = await startWrangler(options);
    const url = `http://127.0.0.1:${options.config.apiPort}`;
    await orKill(child, untilAnswers(child, url, options, signal));
    const stopCron = new AbortController();
    void options.complete.then(() => fireEachMinute(`${url}/cdn-cgi/local/scheduled`, options, stopCron.signal));
    return {
      pid: () => child.pid,
      exited: child.exited.then((exit) => {
        stopCron.abort();
        endGroup(child.pid);
        return exit;
      }),
      stop: () => stopChild(child, stopManner),
    };
  };
}

function startWrangler(options: CoordinatorOptions): Promise<Child> {
  const { config, logFile, ledger } = options;
  const program = createRequire(import.meta.url).resolve("wrangler/package.json");
  const flags = ["--ip", "127.0.0.1", "--port", String(config.apiPort), "--persist-to", config.durableObjects];
  const bindings = Object.entries(config.bindings).flatMap(([name, value]) => ["--var", `${name}:${value}`]);
  return startChild(
    {
      part: "coordinator-host",
      command: process.execPath,
      args: [join(dirname(program), "wrangler-dist", "cli.js"), "dev", ...flags, ...bindings],
      logFile,
      cwd: config.project,
      env: { WRANGLER_SEND_METRICS: "false", CI: "1" },
    },
    ledger,
  );
}

async function untilAnswers(
  child: Child,
  url: string,
  options: CoordinatorOptions,
  signal: AbortSignal,
): Promise<void> {
  const ended = child.exited.then((exit) => {
    throw endedEarly("wrangler dev", exit, options.logFile);
  });
  const end = performance.now() + readyBoundMs;
  while (!(await Promise.race([ended, answers(url)]))) {
    if (performance.now() > end) throw new Error(`wrangler dev did not answer within ${readyBoundMs} ms`);
    await delay(readyCheckMs, undefined, { signal });
  }
  ended.catch(() => undefined); // from now on its end is the part's to notice
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(`${url}/health`);
    return true;
  } catch {
    return false; // nobody listens yet
  }
}

async function fireEachMinute(route: string, options: CoordinatorOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await fetch(route, { signal }).catch((error: unknown) => {
      if (!signal.aborted) options.onNote(`cron: ${error instanceof Error ? error.message : String(error)}`);
    });
    const untilNext = minuteMs - (Date.now() % minuteMs);
    await delay(untilNext, undefined, { signal, ref: false }).catch(() => undefined); // stopped: the loop's condition
  }
}

/** wrangler's runtime does not notice that wrangler was killed; all of them are one process group. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return;
    throw new Error(`ending the processes of wrangler dev (group ${pid})`, { cause: error });
  }
}
