/** A part of the stack: something that runs as a process, and is started again when it ends without being asked to. */
import { setTimeout as delay } from "node:timers/promises";
import { describeExit, type ProcessExit } from "./child.ts";

/** One life of a part. */
export interface Running {
  /** The pid whose end is the end of the part; it changes when the part replaces its process itself. */
  pid(): number;
  exited: Promise<ProcessExit>;
  /** Asks it to end, insists after a bound, resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts one life and resolves when it is ready to serve. */
export type Launch = (signal: AbortSignal) => Promise<Running>;

export interface PartObserver {
  ready(part: Part): void;
  exited(part: Part, exit: ProcessExit): void;
  failed(part: Part, error: unknown): void;
}

export interface PartOptions {
  name: string;
  launch: Launch;
  restart: boolean;
  observer: PartObserver;
}

const backoffBaseMs = 100;
const backoffCapMs = 5_000;
/** A life at least this long forgives the short ones before it. */
const settledMs = 10_000;

export const backoffMs = (shortLives: number): number => Math.min(backoffCapMs, backoffBaseMs * 2 ** shortLives);

export class Part {
  readonly name: string;
  readonly #options: PartOptions;
  readonly #stopping = new AbortController();
  #running: Running | null = null;
  #starting: Promise<void> | null = null;
  #shortLives = 0;
  #isKilled = false;
  #ending: Promise<void> = Promise.resolve();
  #lastExit = "";
  #lastPid: number | null = null;

  constructor(options: PartOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get pid(): number | null {
    return this.#running?.pid() ?? null;
  }

  /** Of the present life, or the last one; null before the first. */
  get lastPid(): number | null {
    return this.pid ?? this.#lastPid;
  }

  get stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Resolves when the part is ready; a second call while it starts waits for the same start. */
  async start(): Promise<void> {
    if (this.#isKilled) await this.#ending; // its end is certain, and not noticed yet
    if (this.#running !== null) return;
    this.#starting ??= this.#launch().finally(() => {
      this.#starting = null;
    });
    await this.#starting;
  }

  /** Sends a signal to the part's process; whether it is started again after its end is the stack's rule. */
  kill(signal: NodeJS.Signals): void {
    const { pid } = this;
    if (pid === null) throw new Error(`${this.name} is not running`);
    process.kill(pid, signal);
    this.#isKilled ||= signal === "SIGKILL";
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error(`${this.name} is being stopped`));
    if (this.#starting !== null) await Promise.allSettled([this.#starting]);
    await this.#running?.stop();
  }

  async #launch(): Promise<void> {
    const started = performance.now();
    const running = await this.#options.launch(this.#stopping.signal);
    this.#running = running;
    this.#isKilled = false;
    this.#ending = running.exited.then((exit) => this.#ended(exit, started));
    this.#ending.then(() => this.#startAgain()).catch((error: unknown) => this.#options.observer.failed(this, error));
    if (this.stopped) await running.stop();
    else this.#options.observer.ready(this);
  }

  #ended(exit: ProcessExit, started: number): void {
    this.#lastPid = this.#running?.pid() ?? this.#lastPid;
    this.#running = null;
    this.#isKilled = false;
    this.#lastExit = describeExit(exit);
    if (this.stopped) return;
    this.#shortLives = performance.now() - started > settledMs ? 0 : this.#shortLives + 1;
    this.#options.observer.exited(this, exit);
  }

  async #startAgain(): Promise<void> {
    while (this.#options.restart && !this.stopped && this.#running === null) {
      await delay(backoffMs(this.#shortLives - 1), undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.stopped) return;
      try {
        return await this.start();
      } catch (error) {
        this.#shortLives += 1;
        this.#options.observer.failed(
          this,
          new Error(`starting ${this.name} again after ${this.#lastExit}`, { cause: error }),
        );
      }
    }
  }
}
