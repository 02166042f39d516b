/** One timer for all running attempts, and none while nothing runs. */
import { pulseMs } from "../limits.ts";

export class Pulse {
  readonly #beat: () => boolean;
  #timer: NodeJS.Timeout | null = null;

  /** `beat` says whether another one is wanted. */
  constructor(beat: () => boolean) {
    this.#beat = beat;
  }

  wake(): void {
    this.#timer ??= setTimeout(() => this.#tick(), pulseMs);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #tick(): void {
    this.#timer = null;
    if (this.#beat()) this.wake();
  }
}
