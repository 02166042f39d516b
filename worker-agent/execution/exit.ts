/** What the exit of a process means for its attempt (SPEC §9). */
import type { Json } from "../../schema/json.ts";
import { permanent, transient } from "./error.ts";
import type { Ending } from "./running.ts";

/** sysexits.h: usage, data and configuration errors; another try would end the same. */
const permanentExits: ReadonlySet<number> = new Set([64, 65, 78]);

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** The result message, if one came. */
  readonly result: { readonly data: Json } | null;
  readonly lastOutputLine: string | null;
  readonly lastErrorLine: string | null;
  readonly aborted: boolean;
}

export function endingOfExit(exit: ProcessExit): Ending {
  if (exit.code === 0) return { kind: "returned", text: resultText(exit), partial: false };
  const said = exit.lastErrorLine === null ? "" : `: ${exit.lastErrorLine}`;
  if (exit.code === null) {
    return { kind: "threw", error: transient(`SIGNAL_${exit.signal}`, `ended by ${exit.signal}${said}`) };
  }
  const make = permanentExits.has(exit.code) ? permanent : transient;
  return { kind: "threw", error: make(`EXIT_${exit.code}`, `exited with ${exit.code}${said}`) };
}

/** A process that was asked to stop and exits with 0 has finished only if it also said its result. */
function resultText(exit: ProcessExit): string | null {
  if (exit.result !== null) return JSON.stringify(exit.result.data);
  return exit.aborted || exit.lastOutputLine === null ? null : JSON.stringify(exit.lastOutputLine);
}
