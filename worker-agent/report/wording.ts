/** Makes the words of user code fit what may be stored: well-formed, within their limits. */
import { type Json, jsonBytes, jsonProblem, toStorableText } from "../../schema/json.ts";
import {
  errorMessageLengthMax,
  logLineBytesMax,
  nameLengthMax,
  progressMessageLengthMax,
} from "../../schema/limits.ts";
import type { AttemptError } from "../../schema/messages/worker-events.ts";
import { logDetailsBytesMax } from "../limits.ts";

/** A cut may halve a surrogate pair, so the text is made storable last. */
const cut = (text: string, lengthMax: number): string => toStorableText(text.slice(0, lengthMax));

export const storableError = (error: AttemptError): AttemptError => ({
  ...error,
  type: cut(error.type, nameLengthMax),
  message: cut(error.message, errorMessageLengthMax),
});

export const storableLine = (message: string): string => cut(message, logLineBytesMax);

export const storableProgress = (message: string | null): string | null =>
  message === null ? null : cut(message, progressMessageLengthMax);

/** Null for what is no percentage at all. */
export const storablePercent = (percent: number): number | null =>
  Number.isFinite(percent) ? Math.min(100, Math.max(0, percent)) : null;

/** Details that cannot be stored are replaced by the reason. */
export function storableDetails(details: Json): Json {
  const problem = jsonProblem(details) ?? (jsonBytes(details) > logDetailsBytesMax ? "too many bytes" : null);
  return problem === null ? details : { details_dropped: problem };
}
