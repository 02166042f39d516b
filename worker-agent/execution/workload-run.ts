/** Runs one declared workload with its context; the same inside a thread and on the agent's own. */
import type { Json } from "../../schema/json.ts";
import type { LogLevel } from "../../schema/status.ts";
import { parseState, serialiseState } from "../checkpoint/state.ts";
import {
  type AbortReason,
  AttemptAborted,
  type AttemptContext,
  type State,
  type WorkloadDefinition,
  type WorkloadLog,
} from "../sdk.ts";
import { permanent, thrownError } from "./error.ts";
import type { Ending, Host, Job, Running } from "./running.ts";

type Source = () => State | Promise<State>;

export class WorkloadRun implements Running {
  readonly ended: Promise<Ending>;
  readonly #controller = new AbortController();
  readonly #host: Host;
  #source: Source | null = null;
  #over = false;
  #kill: (ending: Ending) => void = () => undefined;

  constructor(definition: WorkloadDefinition, job: Job, host: Host) {
    this.#host = host;
    this.ended = this.#endingOf(this.#run(definition, job));
  }

  async state(): Promise<Uint8Array | null> {
    if (this.#source === null || this.#over) return null;
    try {
      return serialiseState(await this.#source());
    } catch (error) {
      this.#host.log("warn", `no checkpoint could be taken: ${thrownError(error).message}`);
      return null;
    }
  }

  abort(reason: AbortReason): void {
    this.#controller.abort(new AttemptAborted(reason));
  }

  /** Only forgets it: what runs on the same thread cannot be ended by force. */
  kill(): void {
    this.#over = true;
    this.#kill({ kind: "killed" });
  }

  async #run(definition: WorkloadDefinition, job: Job): Promise<Ending> {
    try {
      const opened = definition.open(job.input, job.state === null ? null : parseState(job.state));
      if (!opened.ok) return { kind: "threw", error: permanent(opened.code, opened.problem) };
      return returned(await opened.execute(this.#context(job)));
    } catch (error) {
      return { kind: "threw", error: thrownError(error) };
    } finally {
      this.#over = true;
    }
  }

  #endingOf(running: Promise<Ending>): Promise<Ending> {
    return Promise.race([
      running,
      new Promise<Ending>((resolve) => {
        this.#kill = resolve;
      }),
    ]);
  }

  #context(job: Job): AttemptContext {
    return {
      workloadId: job.workloadId,
      workloadType: job.workloadType,
      fencingToken: job.generation,
      attempt: job.generation,
      config: job.config,
      signal: this.#controller.signal,
      log: workloadLog((level, message, details) => this.#log(level, message, details)),
      progress: (percent, message) => {
        if (!this.#over) this.#host.progress(percent, message ?? null);
      },
      saveCheckpoint: (state) => this.#save(state),
      checkpointFrom: (source) => {
        this.#source = source;
      },
    };
  }

  /** Who does not wait for a checkpoint must not fall over its refusal: it is logged here, and rejects for who waits. */
  #save(state: State): Promise<void> {
    const saving = (async () => this.#host.save(serialiseState(state)))();
    saving.catch((error) => this.#log("warn", `the checkpoint was not kept: ${thrownError(error).message}`, undefined));
    return saving;
  }

  #log(level: LogLevel, message: string, details: Json | undefined): void {
    if (this.#over) return;
    this.#host.log(level, String(message), details);
  }
}

const workloadLog = (write: (level: LogLevel, message: string, details?: Json) => void): WorkloadLog => ({
  trace: (message, details) => write("trace", message, details),
  debug: (message, details) => write("debug", message, details),
  info: (message, details) => write("info", message, details),
  warn: (message, details) => write("warn", message, details),
  error: (message, details) => write("error", message, details),
  fatal: (message, details) => write("fatal", message, details),
});

const isPartial = (value: unknown): value is { result: unknown } =>
  typeof value === "object" && value !== null && "niyanta" in value && value.niyanta === "partial" && "result" in value;

function returned(value: unknown): Ending {
  const partial = isPartial(value);
  const result = partial ? value.result : value;
  if (result === undefined) return { kind: "returned", text: null, partial };
  try {
    const text = JSON.stringify(result);
    if (text !== undefined) return { kind: "returned", text, partial };
    return { kind: "threw", error: permanent("RESULT_INVALID", `the result is a ${typeof result}, not JSON`) };
  } catch (error) {
    return {
      kind: "threw",
      error: permanent("RESULT_INVALID", `the result is not JSON: ${thrownError(error).message}`),
    };
  }
}
