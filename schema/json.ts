/** What JSON may come in: not too deep, no text that Postgres cannot store, no key that reaches a prototype. */
import { z } from "zod";
import { jsonDepthMax } from "./limits.ts";

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** What is left of a value on its way through JSON: neither fields without a value, nor a type that forbids to change it. */
export const plainJson = (value: object | null): Json => JSON.parse(JSON.stringify(value));

const prototypeKeys = new Set(["__proto__", "constructor", "prototype"]);

/** Postgres text holds neither U+0000 nor half a surrogate pair. */
export const isStorableText = (text: string): boolean => !text.includes("\u0000") && text.isWellFormed();

export const storableText = (max: number) => z.string().max(max).refine(isStorableText, "text that cannot be stored");

/** Makes any text storable; for words of user code that must not be refused (logs, error messages). */
export const toStorableText = (text: string): string => text.replaceAll("\u0000", "\ufffd").toWellFormed();

/** The first thing that is wrong with a parsed JSON value, in words, or null. `depthMax` counts nested containers. */
export function jsonProblem(value: unknown, depthMax = jsonDepthMax): string | null {
  if (typeof value === "string") return isStorableText(value) ? null : "text with a NUL or half a surrogate pair";
  if (typeof value === "number") return Number.isFinite(value) ? null : "a number that is out of range";
  if (typeof value !== "object" || value === null) return null;
  if (depthMax === 0) return `nested deeper than ${jsonDepthMax} levels`;
  for (const [key, inner] of Object.entries(value)) {
    const problem = keyProblem(key) ?? jsonProblem(inner, depthMax - 1);
    if (problem !== null) return problem;
  }
  return null;
}

function keyProblem(key: string): string | null {
  if (prototypeKeys.has(key)) return `a key named ${key}`;
  return isStorableText(key) ? null : "a key with a NUL or half a surrogate pair";
}

/** Any JSON value; what is inside was checked by `jsonProblem` at the door. */
export const jsonSchema: z.ZodType<Json> = z
  .custom<Json>((value) => value !== undefined)
  .meta({
    id: "Json",
    description: `Any JSON value: at most ${jsonDepthMax} levels deep, without NUL, half surrogate pairs, or keys named __proto__, constructor or prototype`,
  });

const encoder = new TextEncoder();

/** Bytes of a value as JSON in UTF-8. */
export const jsonBytes = (value: unknown): number => encoder.encode(JSON.stringify(value)).length;
