/** The body of a request: its type, its size counted while it is read, its JSON, its shape. */
import type { z } from "zod";
import { jsonProblem } from "../../schema/json.ts";
import { bodyBytesMax } from "../../schema/limits.ts";
import type { Checked } from "./errors.ts";
import { repeatedKey } from "./repeated-key.ts";
import { invalidAt, validate } from "./validation.ts";

export interface Body<T> {
  readonly value: T;
  /** As it came over the wire. */
  readonly bytes: number;
}

const jsonType = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

const tooLarge = {
  ok: false,
  refusal: {
    kind: "too_large",
    message: `the body is larger than ${bodyBytesMax} bytes`,
    details: { bytes_max: bodyBytesMax },
  },
} as const;
const unsupported = (message: string) => ({ ok: false, refusal: { kind: "unsupported_media_type", message } }) as const;

/** A body that must be there. */
export async function readJson<T>(request: Request, schema: z.ZodType<T>): Promise<Checked<Body<T>>> {
  const type = checkType(request);
  if (!type.ok) return type;
  const bytes = await readBytes(request);
  return bytes.ok ? parseBody(bytes.value, schema) : bytes;
}

/** A body that may be missing, then it reads as `{}`; only a body that is there needs a content type. */
export async function readOptionalJson<T>(request: Request, schema: z.ZodType<T>): Promise<Checked<Body<T>>> {
  const bytes = await readBytes(request);
  if (!bytes.ok) return bytes;
  if (bytes.value.length === 0) return parseValue({}, 0, schema);
  const type = checkType(request);
  return type.ok ? parseBody(bytes.value, schema) : type;
}

function checkType(request: Request): Checked<null> {
  if (!jsonType.test(request.headers.get("content-type") ?? ""))
    return unsupported("the content type must be application/json");
  const encoding = request.headers.get("content-encoding") ?? "identity";
  return encoding.toLowerCase() === "identity" ? { ok: true, value: null } : unsupported("an encoded body is not read");
}

async function readBytes(request: Request): Promise<Checked<Uint8Array>> {
  if (Number(request.headers.get("content-length") ?? 0) > bodyBytesMax) return tooLarge;
  try {
    const bytes = await collect(request.body);
    return bytes === null ? tooLarge : { ok: true, value: bytes };
  } catch (error) {
    // The client went away, or broke the framing: nothing of ours failed.
    return invalidAt("", `the body could not be read: ${error instanceof Error ? error.name : "unknown"}`);
  }
}

/** Null as soon as it is too much: the rest is not waited for. */
async function collect(stream: ReadableStream<Uint8Array> | null): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream ?? []) {
    length += chunk.length;
    if (length > bodyBytesMax) return null;
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] ?? null) : join(chunks, length);
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function parseBody<T>(bytes: Uint8Array, schema: z.ZodType<T>): Checked<Body<T>> {
  const parsed = parseText(bytes);
  return parsed.ok ? parseValue(parsed.value, bytes.length, schema) : parsed;
}

function parseText(bytes: Uint8Array): Checked<unknown> {
  try {
    const text = decoder.decode(bytes);
    const value: unknown = JSON.parse(text);
    const repeated = repeatedKey(text);
    return repeated === null ? { ok: true, value } : invalidAt(repeated, "a key that its object has twice");
  } catch (error) {
    return invalidAt("", error instanceof SyntaxError ? "the body is not JSON" : "the body is not UTF-8");
  }
}

function parseValue<T>(value: unknown, bytes: number, schema: z.ZodType<T>): Checked<Body<T>> {
  const problem = jsonProblem(value);
  if (problem !== null) return invalidAt("", problem);
  const checked = validate(schema, value);
  return checked.ok ? { ok: true, value: { value: checked.value, bytes } } : checked;
}
