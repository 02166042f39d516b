/** The process that hosts the Workers runtime; it ends with its runtime, and with the process that started it. */
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { buildWorker } from "./bundle.ts";
import { type HostConfig, hostConfigSchema, startCronSchema } from "./coordinator-message.ts";
import { type CoordinatorRuntime, startRuntime } from "./coordinator-runtime.ts";
import { watchSources } from "./source-watch.ts";

const minuteMs = 60_000;

const tell = (message: object) => process.send?.(message);
const note = (text: string) => {
  console.error(text);
  tell({ note: text });
};
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

function closeOnSignal(runtime: CoordinatorRuntime): void {
  const close = () => {
    runtime.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.once("SIGTERM", close);
  process.once("disconnect", close);
}

/** As Cloudflare does: at the start of each minute; and once at the start, so that what was left is found at once. */
async function fireEachMinute(runtime: CoordinatorRuntime): Promise<never> {
  for (;;) {
    await runtime.fireCron(new Date()).catch((error: unknown) => note(`cron: ${reasonOf(error)}`));
    await delay(minuteMs - (Date.now() % minuteMs), undefined, { ref: false });
  }
}

/** A build that fails leaves the running code alone. */
function reloadOnChange(config: HostConfig, runtime: CoordinatorRuntime): void {
  let last: Promise<void> = Promise.resolve();
  const reload = async () => {
    try {
      await runtime.reload(await buildWorker(config.project));
      tell({ workerd: runtime.workerd() });
      note("reloaded functions/");
    } catch (error) {
      note(reasonOf(error));
    }
  };
  watchSources(config.project, () => {
    last = last.then(reload);
  });
}

const [first] = await once(process, "message");
const config = hostConfigSchema.parse(first);
const runtime = await startRuntime(config, await buildWorker(config.project), () => process.exit(1));
closeOnSignal(runtime);
if (config.watch) reloadOnChange(config, runtime);
process.on("message", (message) => {
  if (startCronSchema.safeParse(message).success) void fireEachMinute(runtime);
});
tell({ workerd: runtime.workerd() });
