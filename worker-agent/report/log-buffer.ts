/** Gathers the log lines of one attempt into events, numbers them, and bounds what waits for the coordinator. */
import { type Json, jsonBytes } from "../../schema/json.ts";
import { logLinesPerMessageMax, messageBatchBytesMax } from "../../schema/limits.ts";
import type { LogLine } from "../../schema/messages/worker-events.ts";
import type { LogLevel } from "../../schema/status.ts";
import { logBytesUnsentMax } from "../limits.ts";
import { storableDetails, storableLine } from "./wording.ts";

/** Half a batch: one line more, with its details, still fits a message. */
const gatheredBytesMax = messageBatchBytesMax / 2;

export class LogBuffer {
  #lines: LogLine[] = [];
  #bytes = 0;
  #lastLine = 0;
  #dropped = 0;
  /** Bytes handed out and not yet settled. */
  #unsettledBytes = 0;

  /** True when the buffer should be taken without waiting for the next pulse. */
  add(wallMs: number, level: LogLevel, message: string, details?: Json): boolean {
    if (this.#unsettledBytes + this.#bytes > logBytesUnsentMax) this.#dropped += 1;
    else this.#push(wallMs, level, message, details);
    return this.#lines.length >= logLinesPerMessageMax - 1 || this.#bytes >= gatheredBytesMax;
  }

  /** The gathered lines, at most one event's worth, or null when there are none. */
  take(wallMs: number): { lines: LogLine[]; bytes: number } | null {
    if (this.#dropped > 0 && this.#unsettledBytes + this.#bytes <= logBytesUnsentMax) this.#sayDropped(wallMs);
    if (this.#lines.length === 0) return null;
    const taken = { lines: this.#lines, bytes: this.#bytes };
    this.#unsettledBytes += this.#bytes;
    this.#lines = [];
    this.#bytes = 0;
    return taken;
  }

  settled(bytes: number): void {
    this.#unsettledBytes -= bytes;
  }

  #sayDropped(wallMs: number): void {
    this.#push(wallMs, "warn", `${this.#dropped} log lines were dropped: they came faster than they could be stored`);
    this.#dropped = 0;
  }

  #push(wallMs: number, level: LogLevel, message: string, details?: Json): void {
    this.#lastLine += 1;
    const line: LogLine = {
      line: this.#lastLine,
      timestamp: new Date(wallMs).toISOString(),
      level,
      message: storableLine(message),
      ...(details === undefined ? {} : { details: storableDetails(details) }),
    };
    this.#lines.push(line);
    this.#bytes += jsonBytes(line);
  }
}
