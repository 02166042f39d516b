/** The newest words of a log that comes faster than it can be stored: a bounded number of them, the rest counted. */
import { type Json, jsonBytes } from "../../schema/json.ts";
import type { LogLevel } from "../../schema/status.ts";
import { logTailLengthMax, logTailLinesMax } from "../limits.ts";

/** What becomes a line when it is sent: most of a flood never does, and should cost little. */
export interface Words {
  readonly wallMs: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly details?: Json;
}

export class LogTail {
  #kept: Words[] = [];
  #length = 0;
  #dropped = 0;
  /** Of the last words that were dropped, so that the notice about them stands in order. */
  #droppedAtMs = 0;

  get isEmpty(): boolean {
    return this.#kept.length === 0;
  }

  add(words: Words): void {
    this.#kept.push(words);
    this.#length += lengthOf(words);
    while (this.#isTooMuch()) this.#dropOldest();
  }

  /** What is kept, behind a notice about what is not; empty from then on. */
  take(): Words[] {
    const kept = this.#kept;
    if (this.#dropped > 0) kept.unshift(dropNotice(this.#dropped, this.#droppedAtMs));
    this.#kept = [];
    this.#length = 0;
    this.#dropped = 0;
    return kept;
  }

  #isTooMuch(): boolean {
    return this.#kept.length > logTailLinesMax || (this.#length > logTailLengthMax && this.#kept.length > 1);
  }

  #dropOldest(): void {
    const oldest = this.#kept.shift();
    if (oldest === undefined) return;
    this.#length -= lengthOf(oldest);
    this.#dropped += 1;
    this.#droppedAtMs = oldest.wallMs;
  }
}

const lengthOf = ({ message, details }: Words): number =>
  message.length + (details === undefined ? 0 : jsonBytes(details));

const dropNotice = (lines: number, wallMs: number): Words => ({
  wallMs,
  level: "warn",
  message: `${lines} log lines were dropped: they came faster than they could be stored`,
});
