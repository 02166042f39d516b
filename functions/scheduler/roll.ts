/** The answers to a roll call: until its time is over, who is not known here may still be there. */

/** Workers answer within 50 ms of hearing it; a busy broker, or a worker that is just connecting, may take longer. */
export const rollMs = 500;

export class Roll {
  readonly #now: () => number;
  readonly #waiting = new Set<() => void>();
  #calledAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Nobody is known for sure from here on, until they have had the time to answer. */
  called(): void {
    this.#calledAt = this.#now();
  }

  /** A worker answered, or spoke of its own accord. */
  heard(): void {
    for (const look of [...this.#waiting]) look();
  }

  /** It was called more than `ms` ago. */
  isOlderThan(ms: number): boolean {
    return this.#now() - this.#calledAt >= ms;
  }

  /** Resolves when the time to answer is over, or as soon as `isEnough` has been heard. */
  async until(isEnough: () => boolean, msMax: number = rollMs): Promise<void> {
    const leftMs = this.#calledAt + msMax - this.#now();
    if (leftMs <= 0 || isEnough()) return;
    await new Promise<void>((resolve) => {
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const look = () => isEnough() && settle();
      const timer = setTimeout(settle, leftMs);
      this.#waiting.add(look);
    });
  }
}
