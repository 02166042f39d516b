/** Spares a database that does not serve, and those who would wait for it: after some failures in a row most fail at once. */
import { circuitFailuresMax, circuitOpenSeconds } from "../../../schema/limits.ts";

export class Circuit {
  readonly #clock: () => number;
  #failures = 0;
  /** While it is open: when the next request may try. */
  #tryAt = 0;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** False: fail at once. While it is open one request in a while finds out whether it may close again. */
  enter(): boolean {
    if (this.#failures < circuitFailuresMax) return true;
    if (this.#clock() < this.#tryAt) return false;
    this.#wait();
    return true;
  }

  /** Of each request that was let in: a refusal of what was asked is an answer like any other. */
  leave(wasServed: boolean): void {
    this.#failures = wasServed ? 0 : this.#failures + 1;
    this.#wait();
  }

  #wait(): void {
    this.#tryAt = this.#clock() + circuitOpenSeconds * 1_000;
  }
}
