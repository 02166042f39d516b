/** Runs the operator's command for a type, in its own process group, speaking over stdout (SPEC §9). */
import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { serialiseState } from "../checkpoint/state.ts";
import { processInputBytesMax, processPipeGraceMs, processSavesMsMax } from "../limits.ts";
import type { AbortReason } from "../sdk.ts";
import { permanent, thrownError, transient } from "./error.ts";
import { endingOfExit } from "./exit.ts";
import { LineSplitter } from "./lines.ts";
import { stateInFile } from "./process-checkpoint.ts";
import { processEnv } from "./process-env.ts";
import { furnish, makeProcessFolder, removeProcessFolder } from "./process-folder.ts";
import type { ProcessGroups } from "./process-groups.ts";
import { ProcessSaves } from "./process-saves.ts";
import type { Ending, Host, Job, Runner, Running } from "./running.ts";
import { parseOutputLine } from "./stdout-protocol.ts";

export interface ProcessSettings {
  readonly command: readonly string[];
  readonly graceMs: number;
  readonly env: NodeJS.ProcessEnv;
  readonly groups: ProcessGroups;
  /** Where it runs; without it, in a temporary folder of its own. */
  readonly cwd?: string;
}

type Exit = { code: number | null; signal: string | null } | { error: ReturnType<typeof transient> };

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
  readonly #saves: ProcessSaves;
  #child: ChildProcess | null = null;
  #result: Parameters<typeof endingOfExit>[0]["result"] = null;
  #lastOutputLine: string | null = null;
  #lastErrorLine: string | null = null;
  #aborted = false;
  #killed = false;

  constructor(settings: ProcessSettings, job: Job, host: Host) {
    this.#settings = settings;
    this.#host = host;
    this.#saves = new ProcessSaves(host);
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
    this.#saves.stop();
    this.#signal("SIGKILL");
  }

  async #run(job: Job): Promise<Ending> {
    const inputBytes = Buffer.byteLength(JSON.stringify(job.input));
    if (inputBytes > processInputBytesMax) {
      const problem = `a process takes an input of at most ${processInputBytesMax} bytes; this one has ${inputBytes}`;
      return { kind: "threw", error: permanent("INVALID_INPUT", problem) };
    }
    const folder = await makeProcessFolder();
    try {
      return await this.#runIn(folder, job);
    } finally {
      await removeProcessFolder(folder).catch((error) => this.#host.log("warn", `${folder} is left: ${error}`));
    }
  }

  async #runIn(folder: string, job: Job): Promise<Ending> {
    const { checkpointFile, cwd } = await furnish(folder, job.state);
    if (this.#killed || this.#aborted) return { kind: "killed" };
    const env = processEnv(this.#settings.env, job, checkpointFile);
    const ending = this.#endingOf(await this.#exitOf(env, this.#settings.cwd ?? cwd));
    await this.#saves.settled(processSavesMsMax);
    return ending;
  }

  /** Settled with the exit, and by it: a stop that comes later, or came too late to end the process, changes nothing. */
  #endingOf(exit: Exit): Ending {
    if ("error" in exit) return { kind: "threw", error: exit.error };
    if (this.#killed && exit.code === null) return { kind: "killed" };
    return endingOfExit({ ...exit, ...this.#said() });
  }

  #said() {
    return {
      result: this.#result,
      lastOutputLine: this.#lastOutputLine,
      lastErrorLine: this.#lastErrorLine,
      aborted: this.#aborted,
    };
  }

  #exitOf(env: NodeJS.ProcessEnv, cwd: string): Promise<Exit> {
    const [file = "", ...args] = this.#settings.command;
    // Detached: a process group of its own, so that its children can be ended with it.
    const child = spawn(file, args, { env, cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    if (child.pid !== undefined) this.#settings.groups.add(child.pid);
    this.#read(child, cwd);
    return new Promise((end) => {
      child.once("error", (error) =>
        end({ error: transient("COMMAND_UNAVAILABLE", `cannot run ${file} in ${cwd}: ${error.message}`) }),
      );
      child.once("exit", () => this.#afterExit(child));
      child.once("close", (code, signal) => end({ code, signal }));
    });
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

  #read(child: ChildProcess, cwd: string): void {
    const output = new LineSplitter((line) => this.#outputLine(line, cwd));
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

  #outputLine(text: string, cwd: string): void {
    const line = parseOutputLine(text);
    if (line.kind === "progress") this.#host.progress(line.percent, line.message);
    else if (line.kind === "result") this.#result = { data: line.data };
    else if (line.kind === "checkpoint_data") this.#saves.add(async () => serialiseState(line.data));
    else if (line.kind === "checkpoint_file") this.#saveFile(resolve(cwd, line.path));
    else if (line.kind === "invalid") this.#host.log("warn", `a message was not understood: ${line.problem}`);
    else this.#logLine(line.text);
  }

  #logLine(text: string): void {
    this.#lastOutputLine = text;
    this.#host.log("info", text);
  }

  #saveFile(path: string): void {
    this.#saves.add((signal) => stateInFile(path, signal));
  }

  #signal(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.#child?.pid !== undefined) this.#settings.groups.signal(this.#child.pid, signal);
  }
}
