/** Progress as lines: one at each ten percent. */

const stepPercent = 10;

export class PlainProgress {
  readonly #write: (percent: number, note: string) => void;
  #shown = -stepPercent;

  constructor(write: (percent: number, note: string) => void) {
    this.#write = write;
  }

  show(percent: number, note: string): void {
    const step = Math.floor(percent / stepPercent) * stepPercent;
    if (step <= this.#shown) return;
    this.#shown = step;
    this.#write(step, note);
  }

  stop(): void {
    // a line that is written stands
  }
}
