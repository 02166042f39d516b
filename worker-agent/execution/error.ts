/** What user code threw, as the error that is reported; free of imports that a thread would have to load. */
import type { AttemptError } from "../../schema/messages/worker-events.ts";

export const permanent = (type: string, message: string): AttemptError => ({ kind: "permanent", type, message });
export const transient = (type: string, message: string): AttemptError => ({ kind: "transient", type, message });

const field = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;

/** Only a branded permanent error is permanent; anything else thrown is worth another try. */
export function thrownError(thrown: unknown): AttemptError {
  const type = thrown instanceof Error ? thrown.name : "Error";
  const message = thrown instanceof Error ? thrown.message : safeText(thrown);
  if (field(thrown, "niyanta") === "permanent") return permanent(type, message);
  const retryAfter = field(thrown, "retryAfterMs");
  const error = transient(type, message);
  return typeof retryAfter === "number" && retryAfter >= 0
    ? { ...error, retry_after_ms: Math.ceil(retryAfter) }
    : error;
}

function safeText(value: unknown): string {
  try {
    return String(value);
  } catch {
    return "a value that cannot be shown";
  }
}
