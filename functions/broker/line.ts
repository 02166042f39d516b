/** Whether the connection stands: a request waits for it, and ends with it, as its reply cannot come over another. */
import type { BrokerAnswer } from "./broker.ts";

const lost: BrokerAnswer = { type: "no_answer", problem: "the connection was lost" };

export class Line {
  #isUp = true;
  readonly #waiting = new Set<(up: boolean) => void>();
  readonly #underWay = new Set<(answer: BrokerAnswer) => void>();

  get isUp(): boolean {
    return this.#isUp;
  }

  /** True as soon as the connection stands; false when it did not in time, whatever comes later. */
  upWithin(ms: number): Promise<boolean> {
    if (this.#isUp) return Promise.resolve(true);
    return new Promise((resolve) => {
      const settle = (up: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve(up);
      };
      const timer = setTimeout(() => settle(false), ms);
      this.#waiting.add(settle);
    });
  }

  /** The answer, or that the connection of this moment was lost before it came. */
  untilLost(answer: Promise<BrokerAnswer>): Promise<BrokerAnswer> {
    return new Promise((resolve, reject) => {
      this.#underWay.add(resolve);
      answer.finally(() => this.#underWay.delete(resolve)).then(resolve, reject);
    });
  }

  drop(): void {
    this.#isUp = false;
    for (const end of this.#underWay) end(lost);
    this.#underWay.clear();
  }

  restore(): void {
    this.#isUp = true;
    for (const settle of [...this.#waiting]) settle(true);
  }
}
