/** What an attempt says instead of an end that the coordinator did not take: it must still end in its eyes. */
import { permanent } from "../execution/error.ts";
import type { EventBody } from "./entry.ts";
import { storableError } from "./wording.ts";

/** Null: nothing is left to say. A result that cannot be kept is the workload's own failure; another try would make it again. */
export function endInstead(kind: EventBody["kind"], reason: string | null): EventBody | null {
  if (kind === "completed") {
    const error = permanent(
      "RESULT_INVALID",
      `the coordinator did not take the result: ${reason ?? "no reason given"}`,
    );
    return { kind: "failed", error: storableError(error) };
  }
  // The coordinator lets another worker go on from there.
  return kind === "failed" || kind === "handed_back" || kind === "paused" ? { kind: "released" } : null;
}
