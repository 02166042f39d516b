/** A worker thread that serves one attempt after another; what it says goes to the attempt of the moment. */
import { Worker } from "node:worker_threads";
import type { FromThread, ToThread } from "./thread-messages.ts";

const entry = new URL("./thread-entry.ts", import.meta.url);

export interface ThreadListener {
  message(message: FromThread): void;
  /** It ends with this error; the exit follows. */
  error(error: unknown): void;
  exit(code: number): void;
}

export class PooledThread {
  readonly memoryMb: number;
  readonly #worker: Worker;
  #listener: ThreadListener | null = null;

  /** `env`: all that the code in it sees of the environment. `onGone`: nothing is left of it. */
  constructor(memoryMb: number, env: NodeJS.ProcessEnv, onGone: (thread: PooledThread) => void) {
    this.memoryMb = memoryMb;
    const resourceLimits = { maxOldGenerationSizeMb: memoryMb };
    this.#worker = new Worker(entry, { env, stdout: true, stderr: true, resourceLimits });
    this.#worker.on("message", (message: FromThread) => this.#listener?.message(message));
    this.#worker.on("messageerror", (error) => this.#listener?.error(error));
    this.#worker.on("error", (error) => this.#listener?.error(error));
    this.#worker.on("exit", (code) => this.#listener?.exit(code));
    this.#worker.once("exit", () => onGone(this));
  }

  get threadId(): number {
    return this.#worker.threadId;
  }

  /** Null: nobody listens. */
  setListener(listener: ThreadListener | null): void {
    this.#listener = listener;
  }

  /** Whether it keeps the process alive. */
  setBusy(isBusy: boolean): void {
    if (isBusy) this.#worker.ref();
    else this.#worker.unref();
  }

  post(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  /** Ends it without asking. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}
