/** What the exit of a process means for its attempt (SPEC §9). */
import { type Json, jsonProblem } from "../../schema/json.ts";
import { storableLine } from "../report/wording.ts";
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
  if (exit.code === 0) return finished(exit);
  const said = exit.lastErrorLine === null ? "" : `: ${exit.lastErrorLine}`;
  if (exit.code === null) {
    return { kind: "threw", error: transient(`SIGNAL_${exit.signal}`, `ended by ${exit.signal}${said}`) };
  }
  const make = permanentExits.has(exit.code) ? permanent : transient;
  return { kind: "threw", error: make(`EXIT_${exit.code}`, `exited with ${exit.code}${said}`) };
}

/** A process that was asked to stop and exits with 0 has finished only if it also said its result. */
function finished({ result, lastOutputLine, aborted }: ProcessExit): Ending {
  if (result !== null) return explicitResult(result.data);
  const text = aborted || lastOutputLine === null ? null : impliedResult(lastOutputLine);
  return { kind: "returned", text, partial: false };
}

/** Looked at before it becomes text again, which an endless depth would not survive. */
function explicitResult(data: Json): Ending {
  const problem = jsonProblem(data);
  if (problem !== null) return { kind: "threw", error: permanent("RESULT_INVALID", `the result holds ${problem}`) };
  return { kind: "returned", text: JSON.stringify(data), partial: false };
}

/** Nobody chose these words to be a result, so that they are never refused: they are kept as a log line is. */
const impliedResult = (line: string): string => JSON.stringify(storableLine(line));
