/** Miniflare with the options of wrangler.toml, and the pid of the workerd that it runs. */
import type { ChildProcess } from "node:child_process";
import { channel } from "node:diagnostics_channel";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type MiniflareOptions } from "miniflare";
import { readModules } from "./bundle.ts";
import type { HostConfig } from "./coordinator-message.ts";

export interface CoordinatorRuntime {
  workerd(): number;
  /** Replaces the code; what the objects hold in memory is lost, as in a deploy. */
  reload(build: string): Promise<void>;
  fireCron(scheduledTime: Date): Promise<void>;
  close(): Promise<void>;
}

const cron = "* * * * *";

export async function startRuntime(
  config: HostConfig,
  build: string,
  onCrash: () => void,
): Promise<CoordinatorRuntime> {
  const workerd = watchWorkerd(onCrash);
  const miniflare = new Miniflare(miniflareOptions(config, build));
  await miniflare.ready;
  return {
    workerd: () => workerd.pid(),
    reload: (next) => workerd.expectExit(() => miniflare.setOptions(miniflareOptions(config, next))),
    async fireCron(scheduledTime) {
      const worker = await miniflare.getWorker();
      await worker.scheduled({ cron, scheduledTime });
    },
    close: () => workerd.expectExit(() => miniflare.dispose()),
  };
}

function miniflareOptions(config: HostConfig, build: string): MiniflareOptions {
  const fromWrangler = JSON.parse(readFileSync(join(build, "options.json"), "utf8"));
  const options = convertV4MiniflareOptions({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    logRequests: false,
    log: new Log(LogLevel.WARN),
    telemetry: { enabled: false },
    workers: [
      {
        ...fromWrangler,
        name: "niyanta",
        bindings: { ...fromWrangler.bindings, ...config.bindings },
        modules: readModules(build),
        // Straight into the Worker: Miniflare's own entry would be a second Worker in front of each request.
        unsafeDirectSockets: [{ host: "127.0.0.1", port: config.apiPort }],
      },
    ],
  });
  return { ...options, resourcePersistencePath: config.durableObjects };
}

/** Miniflare would start a crashed runtime again by itself; here the crash is the supervisor's to see. */
function watchWorkerd(onCrash: () => void) {
  let current = 0;
  let expected = false;
  channel("child_process").subscribe((message) => {
    const { process: child } = message as { process: ChildProcess };
    child.once("spawn", () => {
      if (!basename(child.spawnfile).startsWith("workerd")) return;
      current = child.pid ?? 0;
      child.once("exit", () => {
        if (!expected && child.pid === current) onCrash();
      });
    });
  });
  return {
    pid: () => current,
    async expectExit(action: () => Promise<void>) {
      expected = true;
      await action();
      expected = false;
    },
  };
}
