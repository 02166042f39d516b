/** Logs: one JSON line an event, `timestamp`, `level` and `component` first, written through the console. */
/// <reference path="./pino-browser.d.ts" />
import pino from "pino/browser.js";
import type { LogLevel } from "../../schema/status.ts";

/** Field names are the same everywhere: component, request_id, correlation_id, customer_id, workload_id, worker_id, err. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** A log whose every line has these fields too. */
  child(fields: object): Log;
}

export interface LogOptions {
  readonly level: LogLevel | "silent";
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  readonly write: (line: string) => void;
}

export function createLog({ level, clock, write }: LogOptions): Log {
  return pino({
    level,
    timestamp: () => new Date(clock()).toISOString(),
    browser: {
      asObject: true,
      formatters: { level: (label) => ({ level: label }) },
      write: (event) => write(toLine(event)),
    },
  });
}

function toLine(event: object): string {
  const { time, level, component, msg, ...fields } = { time: undefined, level: undefined, ...Object(event) };
  return JSON.stringify({ timestamp: time, level, component, message: msg, ...fields }, plain);
}

/** What JSON would lose: errors with their causes, and big integers. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (!(value instanceof Error)) return value;
  const { name: type, message, stack, cause } = value;
  return { type, message, stack, ...(cause === undefined ? {} : { cause }) };
}
