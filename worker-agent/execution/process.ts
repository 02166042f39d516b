/** Runs the operator's command for a type, in its own process group, speaking over stdout (SPEC §9). */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { serialiseState, stateContent } from "../checkpoint/state.ts";
import { processInputBytesMax, processPipeGraceMs, stateBytesMax } from "../limits.ts";
import { type AbortReason, CheckpointError } from "../sdk.ts";
import { permanent, thrownError, transient } from "./error.ts";
import { endingOfExit } from "./exit.ts";
import { LineSplitter } from "./lines.ts";
import { processEnv } from "./process-env.ts";
import type { ProcessGroups } from "./process-groups.ts";
import type { Ending, Host, Job, Runner, Running } from "./running.ts";
import { parseOutputLine } from "./stdout-protocol.ts";

export interface ProcessSettings {
  readonly command: readonly string[];
  readonly graceMs: number;
  readonly env: NodeJS.ProcessEnv;
  readonly groups: ProcessGroups;
}

export class ProcessRunner implements Runner {
  readonly graceMs: number;
  readonly #settings: ProcessSettings;

  constructor(settings: ProcessSettings) {
    this.#settings = settings;
    this.graceMs = settings.graceMs;
  }

  start(job: Job, host: Host): Running {
    return new ProcessRun(this.#settings, job, host);
  }
}

class ProcessRun implements Running {
  readonly ended: Promise<Ending>;
  readonly #settings: ProcessSettings;
  readonly #host: Host;
  readonly #saves = new Set<Promise<void>>();
  #child: ChildProcess | null = null;
  #result: Parameters<typeof endingOfExit>[0]["result"] = null;
  #lastOutputLine: string | null = null;
  #lastErrorLine: string | null = null;
  #aborted = false;
  #killed = false;

  constructor(settings: ProcessSettings, job: Job, host: Host) {
    this.#settings = settings;
    this.#host = host;
    this.ended = this.#run(job).catch((error): Ending => ({ kind: "threw", error: thrownError(error) }));
  }

  /** A process saves by itself, by its messages; nobody can ask it. */
  state(): Promise<null> {
    return Promise.resolve(null);
  }

  abort(_reason: AbortReason): void {
    this.#aborted = true;
    this.#signal("SIGTERM");
  }

  kill(): void {
    this.#killed = true;
    this.#signal("SIGKILL");
  }

  async #run(job: Job): Promise<Ending> {
    const inputBytes = Buffer.byteLength(JSON.stringify(job.input));
    if (inputBytes > processInputBytesMax) {
      const problem = `a process takes an input of at most ${processInputBytesMax} bytes; this one has ${inputBytes}`;
      return { kind: "threw", error: permanent("INVALID_INPUT", problem) };
    }
    const folder = await mkdtemp(join(tmpdir(), "niyanta-"));
    try {
      return await this.#runIn(folder, job);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #runIn(folder: string, job: Job): Promise<Ending> {
    const checkpointFile = join(folder, "checkpoint");
    await writeFile(checkpointFile, job.state === null ? "" : stateContent(job.state));
    if (this.#killed || this.#aborted) return { kind: "killed" };
    const exit = await this.#exitOf(processEnv(this.#settings.env, job, checkpointFile));
    await Promise.all(this.#saves);
    if (this.#killed) return { kind: "killed" };
    return "error" in exit ? { kind: "threw", error: exit.error } : endingOfExit({ ...exit, ...this.#said() });
  }

  #said() {
    return {
      result: this.#result,
      lastOutputLine: this.#lastOutputLine,
      lastErrorLine: this.#lastErrorLine,
      aborted: this.#aborted,
    };
  }

  #exitOf(env: NodeJS.ProcessEnv) {
    const [file = "", ...args] = this.#settings.command;
    // Detached: a process group of its own, so that its children can be ended with it.
    const child = spawn(file, args, { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    if (child.pid !== undefined) this.#settings.groups.add(child.pid);
    this.#read(child);
    return new Promise<{ code: number | null; signal: string | null } | { error: ReturnType<typeof transient> }>(
      (end) => {
        child.once("error", (error) =>
          end({ error: transient("COMMAND_UNAVAILABLE", `cannot run ${file}: ${error.message}`) }),
        );
        child.once("exit", () => this.#afterExit(child));
        child.once("close", (code, signal) => end({ code, signal }));
      },
    );
  }

  /** Whatever the command left behind goes with it; a child that escaped its group must not hold the pipes open. */
  #afterExit(child: ChildProcess): void {
    if (child.pid !== undefined) this.#settings.groups.end(child.pid);
    const cut = setTimeout(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, processPipeGraceMs);
    child.once("close", () => clearTimeout(cut));
  }

  #read(child: ChildProcess): void {
    const output = new LineSplitter((line) => this.#outputLine(line));
    const errors = new LineSplitter((line) => this.#errorLine(line));
    child.stdout?.setEncoding("utf8").on("data", (text: string) => output.push(text));
    child.stdout?.on("close", () => output.end());
    child.stderr?.setEncoding("utf8").on("data", (text: string) => errors.push(text));
    child.stderr?.on("close", () => errors.end());
  }

  #errorLine(line: string): void {
    this.#lastErrorLine = line;
    this.#host.log("warn", line);
  }

  #outputLine(text: string): void {
    const line = parseOutputLine(text);
    if (line.kind === "progress") this.#host.progress(line.percent, line.message);
    else if (line.kind === "result") this.#result = { data: line.data };
    else if (line.kind === "checkpoint_data") this.#save(async () => serialiseState(line.data));
    else if (line.kind === "checkpoint_file") this.#save(() => stateInFile(resolve(line.path)));
    else if (line.kind === "invalid") this.#host.log("warn", `a message was not understood: ${line.problem}`);
    else this.#logLine(line.text);
  }

  #logLine(text: string): void {
    this.#lastOutputLine = text;
    this.#host.log("info", text);
  }

  /** Nobody waits for it but the end of the attempt: a refused checkpoint is a warning, and the process goes on. */
  #save(read: () => Promise<Uint8Array>): void {
    const saving = read()
      .then((state) => this.#host.save(state))
      .catch((error) => this.#host.log("warn", `the checkpoint was not kept: ${thrownError(error).message}`))
      .finally(() => this.#saves.delete(saving));
    this.#saves.add(saving);
  }

  #signal(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.#child?.pid !== undefined) this.#settings.groups.signal(this.#child.pid, signal);
  }
}

async function stateInFile(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > stateBytesMax) {
    throw new CheckpointError("CHECKPOINT_TOO_LARGE", `${path} has ${size} bytes; at most ${stateBytesMax} are read`);
  }
  return serialiseState(await readFile(path));
}
