/** What an attempt reports at its end: a pure choice from how the code ended and why it was asked to. */
import type { Json } from "../../schema/json.ts";
import type { AttemptError } from "../../schema/messages/worker-events.ts";
import { transient } from "./error.ts";
import { checkResult } from "./result.ts";
import type { Ending } from "./running.ts";

/** Why an attempt stops. `revoked`: the coordinator has already decided, and wants the slot back only. */
export type StopReason = "revoked" | "fenced" | "timeout" | "paused" | "draining";

export type Conclusion =
  | { readonly kind: "completed"; readonly result: Json; readonly partial?: boolean }
  | { readonly kind: "failed"; readonly error: AttemptError }
  | { readonly kind: "handed_back" }
  | { readonly kind: "paused" }
  | { readonly kind: "released" };

export function conclude(ending: Ending, stop: StopReason | null, timeoutSeconds: number | null): Conclusion {
  if (stop === "revoked" || stop === "fenced") return { kind: "released" };
  if (stop === "timeout") return { kind: "failed", error: timedOut(timeoutSeconds) };
  if (stop === null) return plainConclusion(ending);
  return finishedAnyway(ending) ? plainConclusion(ending) : { kind: stop === "paused" ? "paused" : "handed_back" };
}

/** Asked to stop for another day, but what came is final: a result, or an error that no other try can mend. */
const finishedAnyway = (ending: Ending): boolean =>
  (ending.kind === "returned" && ending.text !== null) ||
  (ending.kind === "threw" && ending.error.kind === "permanent");

function plainConclusion(ending: Ending): Conclusion {
  if (ending.kind === "threw") return { kind: "failed", error: ending.error };
  if (ending.kind === "killed") return { kind: "failed", error: transient("KILLED", "the attempt was ended by force") };
  const checked = checkResult(ending.text);
  if (!checked.ok) return { kind: "failed", error: checked.error };
  return { kind: "completed", result: checked.result, ...(ending.partial ? { partial: true } : {}) };
}

const timedOut = (seconds: number | null): AttemptError => ({
  kind: "timeout",
  type: "TIMEOUT",
  message: `did not end within ${seconds} s`,
});
