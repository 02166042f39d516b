/** Fields of an audit event's details, which is any JSON to whoever reads it. */
import type { Json } from "../../schema/json.ts";

/** Null when there is no such field. */
export function detailOf(details: Json, name: string): Json {
  if (typeof details !== "object" || details === null || Array.isArray(details)) return null;
  return Object.hasOwn(details, name) ? (details[name] ?? null) : null;
}
