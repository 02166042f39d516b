/** Splits a stream of text into lines of a bounded length; what is over the bound is cut off. */
import { processLineBytesMax } from "../limits.ts";

export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #lengthMax: number;
  #rest: string[] = [];
  #length = 0;

  constructor(onLine: (line: string) => void, lengthMax = processLineBytesMax) {
    this.#onLine = onLine;
    this.#lengthMax = lengthMax;
  }

  push(text: string): void {
    const [head = "", ...lines] = text.split("\n");
    this.#append(head);
    for (const line of lines) {
      this.end();
      this.#append(line);
    }
  }

  /** Gives out what is there as a last line. */
  end(): void {
    const line = this.#rest.join("");
    this.#rest = [];
    this.#length = 0;
    if (line.trim() !== "") this.#onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  #append(text: string): void {
    const room = this.#lengthMax - this.#length;
    if (text === "" || room <= 0) return;
    this.#rest.push(text.slice(0, room));
    this.#length += Math.min(text.length, room);
  }
}
