/** Runs a workload in a worker thread, where neither an endless loop nor a full heap reaches the agent. */
import type { AttemptError } from "../../schema/messages/worker-events.ts";
import { type AbortReason, CheckpointError } from "../sdk.ts";
import { thrownError, transient } from "./error.ts";
import type { PooledThread } from "./pooled-thread.ts";
import type { Ending, Host, Job, Runner, Running } from "./running.ts";
import type { FromThread, SaveError, ToThread } from "./thread-messages.ts";
import type { ThreadPool } from "./thread-pool.ts";

export interface ThreadSettings {
  readonly pool: ThreadPool;
  /** URL of the module that defines the type. */
  readonly module: string;
  readonly memoryMb: number | null;
  readonly graceMs: number;
}

export class ThreadRunner implements Runner {
  readonly graceMs: number;
  readonly #settings: ThreadSettings;

  constructor(settings: ThreadSettings) {
    this.#settings = settings;
    this.graceMs = settings.graceMs;
  }

  start(job: Job, host: Host): Running {
    return new ThreadRun(this.#settings, job, host);
  }
}

let runs = 0;

class ThreadRun implements Running {
  readonly ended: Promise<Ending>;
  readonly #run: number;
  readonly #host: Host;
  readonly #pool: ThreadPool;
  readonly #thread: PooledThread;
  #asked: ((state: Uint8Array | null) => void)[] = [];
  #end: (ending: Ending) => void = () => undefined;
  #aborted = false;
  #over = false;

  constructor(settings: ThreadSettings, job: Job, host: Host) {
    runs += 1;
    this.#run = runs;
    this.#host = host;
    this.#pool = settings.pool;
    this.#thread = settings.pool.take(settings.memoryMb);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#listen();
    this.#post({ kind: "run", run: this.#run, module: settings.module, job });
  }

  state(): Promise<Uint8Array | null> {
    if (this.#over) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#asked.push(resolve);
      this.#post({ kind: "state", run: this.#run });
    });
  }

  abort(reason: AbortReason): void {
    this.#aborted = true;
    this.#post({ kind: "abort", run: this.#run, reason });
  }

  kill(): void {
    this.#finish({ kind: "killed" }, false);
  }

  #listen(): void {
    this.#thread.setBusy(true);
    this.#thread.setListener({
      message: (message) => this.#take(message),
      error: (error) => this.#fail(threadError(error)),
      exit: (code) => this.#fail(transient("THREAD_EXITED", `the thread exited with ${code}`)),
    });
  }

  #fail(error: AttemptError): void {
    this.#finish({ kind: "threw", error }, false);
  }

  #take(message: FromThread): void {
    if (message.run !== this.#run || this.#over) return;
    if (message.kind === "progress") this.#host.progress(message.percent, message.message);
    else if (message.kind === "log") this.#host.log(message.level, message.message, message.details);
    else if (message.kind === "state") this.#answerState(message.state);
    else if (message.kind === "ended") this.#finish(message.ending, !this.#aborted);
    else void this.#save(message.save, message.state);
  }

  async #save(save: number, state: Uint8Array): Promise<void> {
    const error = await this.#host.save(state).then(() => null, saveError);
    this.#post({ kind: "saved", run: this.#run, save, error });
  }

  #answerState(state: Uint8Array | null): void {
    this.#asked.shift()?.(state);
  }

  /** A thread whose attempt was aborted may have left something running: it is not used again. */
  #finish(ending: Ending, reusable: boolean): void {
    if (this.#over) return;
    this.#over = true;
    if (reusable) this.#pool.give(this.#thread);
    else this.#pool.end(this.#thread);
    for (const answer of this.#asked) answer(null);
    this.#end(ending);
  }

  #post(message: ToThread): void {
    if (!this.#over) this.#thread.post(message);
  }
}

function saveError(error: unknown): SaveError {
  if (error instanceof CheckpointError) return { code: error.code, message: error.message };
  return { code: "CHECKPOINT_REFUSED", message: thrownError(error).message };
}

function threadError(error: unknown) {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") return transient("OUT_OF_MEMORY", "the thread reached its memory limit");
  return thrownError(error);
}
