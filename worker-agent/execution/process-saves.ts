/** The checkpoints that a process announces: read one at a time, the newest that waits, and never waited for without a bound. */
import { pause } from "../intake/pause.ts";
import { thrownError } from "./error.ts";
import type { Host } from "./running.ts";

type Read = (signal: AbortSignal) => Promise<Uint8Array>;

export class ProcessSaves {
  readonly #host: Host;
  readonly #stopped = new AbortController();
  readonly #saving = new Set<Promise<void>>();
  #reading: Promise<void> | null = null;
  #next: Read | null = null;

  constructor(host: Host) {
    this.#host = host;
  }

  /** A refused checkpoint is a warning, and the process goes on. */
  add(read: Read): void {
    if (this.#stopped.signal.aborted) return;
    this.#next = read;
    this.#reading ??= this.#readAll();
  }

  /** Returns when all are kept or refused, after the bound, or when it is stopped; what is not read by then is left. */
  async settled(boundMs: number): Promise<void> {
    await Promise.race([this.#all(), pause(boundMs, this.#stopped.signal)]);
    this.stop();
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #all(): Promise<void> {
    while (this.#reading !== null || this.#saving.size > 0) await Promise.all([this.#reading, ...this.#saving]);
  }

  async #readAll(): Promise<void> {
    for (let read = this.#takeNext(); read !== null; read = this.#takeNext()) await this.#take(read);
    this.#reading = null;
  }

  #takeNext(): Read | null {
    const next = this.#next;
    this.#next = null;
    return next;
  }

  /** Handed on without waiting until it is durable: the host keeps the newest of those that wait. */
  async #take(read: Read): Promise<void> {
    try {
      this.#keep(this.#host.save(await read(this.#stopped.signal)));
    } catch (error) {
      this.#warn(error);
    }
  }

  #keep(saved: Promise<void>): void {
    const saving = saved.catch((error) => this.#warn(error)).finally(() => this.#saving.delete(saving));
    this.#saving.add(saving);
  }

  #warn(error: unknown): void {
    this.#host.log("warn", `the checkpoint was not kept: ${thrownError(error).message}`);
  }
}
