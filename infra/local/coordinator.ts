/** The control plane as a part: the process that hosts the Workers runtime, and the runtime, live and die together. */
import { join } from "node:path";
import { type Child, startChild } from "./child.ts";
import { untilMessage } from "./child-message.ts";
import { orKill, stopChild } from "./child-stop.ts";
import { type HostConfig, noteSchema, servingSchema } from "./coordinator-message.ts";
import type { Launch, Running } from "./part.ts";
import { identify, type ProcessIdentity, signalProcess, waitUntilGone } from "./process-identity.ts";
import type { ProcessLedger } from "./process-ledger.ts";

export interface CoordinatorOptions {
  config: HostConfig;
  logFile: string;
  ledger: ProcessLedger;
  /** Resolves when the rest of the stack is there, so that the first cron finds its database. */
  complete: Promise<void>;
  onNote(text: string): void;
  onPidChange(): void;
}

const stopManner = { signal: "SIGTERM", boundMs: 5_000 } as const;
const runtimeGoneMs = 5_000;

export function coordinatorLaunch(options: CoordinatorOptions): Launch {
  return async (signal) => {
    const host = await startHost(options);
    host.process.send(options.config);
    const ready = untilMessage(host, "coordinator", servingSchema, options.logFile, signal);
    const serving = await orKill(host, ready);
    const runtime = followRuntime(host, serving.workerd, options);
    void options.complete.then(() => host.process.connected && host.process.send({ startCron: true }));
    return {
      pid: () => runtime.current().pid,
      exited: host.exited.then(async (exit) => {
        await endRuntime(runtime.current(), options.ledger);
        return exit;
      }),
      stop: () => stopChild(host, stopManner),
    } satisfies Running;
  };
}

function startHost(options: CoordinatorOptions): Promise<Child> {
  return startChild(
    {
      part: "coordinator-host",
      command: process.execPath,
      args: [join(import.meta.dirname, "coordinator-process.ts")],
      logFile: options.logFile,
      channel: "ipc",
      cwd: options.config.project,
    },
    options.ledger,
  );
}

function followRuntime(host: Child, pid: number, options: CoordinatorOptions) {
  let current = adopt(pid, options.ledger);
  host.process.on("message", (message) => {
    const serving = servingSchema.safeParse(message);
    const note = noteSchema.safeParse(message);
    if (note.success) options.onNote(note.data.note);
    if (!serving.success) return;
    options.ledger.remove(current.pid);
    current = adopt(serving.data.workerd, options.ledger);
    options.onPidChange();
  });
  return { current: () => current };
}

function adopt(pid: number, ledger: ProcessLedger): ProcessIdentity {
  ledger.add(pid, "coordinator");
  return identify(pid, "coordinator") ?? { pid, started: "", part: "coordinator" };
}

/** workerd does not notice that its host was killed: it would go on serving, and hold the port. */
async function endRuntime(runtime: ProcessIdentity, ledger: ProcessLedger): Promise<void> {
  signalProcess(runtime, "SIGKILL");
  if (!(await waitUntilGone([runtime], runtimeGoneMs))) throw new Error(`ending workerd (pid ${runtime.pid})`);
  ledger.remove(runtime.pid);
}
