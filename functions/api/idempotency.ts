/** What a request carries beside its body: the idempotency key and the trace context. */
import { sha256Hex } from "../../schema/api-key.ts";
import { idempotencyKeyLengthMax } from "../../schema/limits.ts";
import type { ApiContext } from "./context.ts";
import type { Checked } from "./errors.ts";
import { invalidAt } from "./validation.ts";

const printable = new RegExp(`^[\\x20-\\x7e]{1,${idempotencyKeyLengthMax}}$`);
const traceContext = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Under which a request may be sent again: the same key with another request is a conflict. */
export interface Idempotency {
  readonly key: string;
  readonly bodySha256: string;
}

export function readIdempotencyKey(c: ApiContext): Checked<string | null> {
  const key = c.req.header("idempotency-key");
  if (key === undefined) return { ok: true, value: null };
  if (printable.test(key)) return { ok: true, value: key };
  return invalidAt("Idempotency-Key", `1 to ${idempotencyKeyLengthMax} printable ASCII characters`);
}

/** Hashes what was asked for, after parsing: white space and the order of known fields do not make another request. */
export async function idempotencyOf(c: ApiContext, key: string | null, body: unknown): Promise<Idempotency | null> {
  if (key === null) return null;
  return { key, bodySha256: await sha256Hex(`${c.req.method} ${c.req.path}\n${JSON.stringify(body)}`) };
}

/** A trace context that is not one is left out, as W3C asks, and never a reason to refuse. */
export function readTraceparent(c: ApiContext): string | null {
  const given = c.req.header("traceparent") ?? "";
  return traceContext.test(given) ? given : null;
}
