/** Whether a result may be reported: JSON that can be stored, within its limit. */
import { type Json, jsonProblem } from "../../schema/json.ts";
import { resultBytesMax } from "../../schema/limits.ts";
import type { AttemptError } from "../../schema/messages/worker-events.ts";
import { permanent } from "./error.ts";

export type CheckedResult =
  | { readonly ok: true; readonly result: Json }
  | { readonly ok: false; readonly error: AttemptError };

/** `text`: JSON; null: nothing was returned, which is the result null. */
export function checkResult(text: string | null): CheckedResult {
  if (text === null) return { ok: true, result: null };
  const bytes = Buffer.byteLength(text);
  if (bytes > resultBytesMax) {
    return refused("RESULT_TOO_LARGE", `the result has ${bytes} bytes; at most ${resultBytesMax} are kept`);
  }
  const value: Json = JSON.parse(text);
  const problem = jsonProblem(value);
  return problem === null ? { ok: true, result: value } : refused("RESULT_INVALID", `the result holds ${problem}`);
}

const refused = (type: string, message: string): CheckedResult => ({ ok: false, error: permanent(type, message) });
