/** Gathers the log lines of one attempt into events, numbers them, and bounds what waits for the coordinator. */
import { type Json, jsonBytes } from "../../schema/json.ts";
import { logLineBytesMax, logLinesPerMessageMax, messageBatchBytesMax } from "../../schema/limits.ts";
import type { LogLine } from "../../schema/messages/worker-events.ts";
import type { LogLevel } from "../../schema/status.ts";
import { logBytesUnsentMax } from "../limits.ts";
import { LogTail, type Words } from "./log-tail.ts";
import { storableDetails, storableLine } from "./wording.ts";

/** Half a batch: one line more, with its details, still fits a message. */
const gatheredBytesMax = messageBatchBytesMax / 2;

export class LogBuffer {
  #lines: LogLine[] = [];
  #bytes = 0;
  #lastLine = 0;
  /** What came while there was no room: it goes out when there is again, or when the log is closed. */
  readonly #tail = new LogTail();
  /** Bytes handed out and not yet settled. */
  #unsettledBytes = 0;
  #isClosed = false;

  /** True when the buffer should be taken without waiting for the next pulse. */
  add(wallMs: number, level: LogLevel, message: string, details?: Json): boolean {
    const words = wordsOf(wallMs, level, message, details);
    if (this.#hasRoom && this.#tail.isEmpty) this.#push(words);
    else this.#tail.add(words);
    const tailIsDue = this.#hasRoom && !this.#tail.isEmpty;
    return tailIsDue || this.#lines.length >= logLinesPerMessageMax - 1 || this.#bytes >= gatheredBytesMax;
  }

  /** The next lines, at most one event's worth, or null when there are none; what is left is there for the next call. */
  take(): { lines: LogLine[]; bytes: number } | null {
    if (this.#lines.length === 0 && this.#hasRoom) for (const words of this.#tail.take()) this.#push(words);
    if (this.#lines.length === 0) return null;
    const taken = { lines: this.#lines, bytes: this.#bytes };
    this.#unsettledBytes += this.#bytes;
    this.#lines = [];
    this.#bytes = 0;
    return taken;
  }

  /** Nothing more comes: the end of the log is given out, whatever is unsent. */
  close(): void {
    this.#isClosed = true;
  }

  settled(bytes: number): void {
    this.#unsettledBytes -= bytes;
  }

  get #hasRoom(): boolean {
    return this.#isClosed || this.#unsettledBytes + this.#bytes <= logBytesUnsentMax;
  }

  #push({ wallMs, message, ...rest }: Words): void {
    this.#lastLine += 1;
    const timestamp = new Date(wallMs).toISOString();
    const line: LogLine = { line: this.#lastLine, timestamp, message: storableLine(message), ...rest };
    this.#lines.push(line);
    this.#bytes += jsonBytes(line);
  }
}

/** Cut already here, so that what waits is as small as what is sent. */
const wordsOf = (wallMs: number, level: LogLevel, message: string, details?: Json): Words => ({
  wallMs,
  level,
  message: message.slice(0, logLineBytesMax),
  ...(details === undefined ? {} : { details: storableDetails(details) }),
});
