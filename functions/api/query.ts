/** The query of a request: unknown parameters and repeated ones are refused, times stay in what the database can hold. */
import type { z } from "zod";
import { jsonProblem } from "../../schema/json.ts";
import type { Checked } from "./errors.ts";
import { timeProblem } from "./time.ts";
import { invalidAt, validate } from "./validation.ts";

export interface QueryShape<T> {
  readonly schema: z.ZodType<T>;
  /** Parameters that may come more than once, and read as a list. */
  readonly repeatable: readonly string[];
  readonly times: readonly (keyof T & string)[];
}

export function readQuery<T extends object>(url: string, shape: QueryShape<T>): Checked<T> {
  const raw = collect(new URL(url).searchParams, shape.repeatable);
  if (!raw.ok) return raw;
  const problem = jsonProblem(raw.value);
  if (problem !== null) return invalidAt("", problem);
  const checked = validate(shape.schema, raw.value);
  return checked.ok ? checkTimes(checked.value, shape.times) : checked;
}

function collect(params: URLSearchParams, repeatable: readonly string[]): Checked<Record<string, string | string[]>> {
  const entries = new Map<string, string | string[]>();
  for (const name of new Set(params.keys())) {
    const values = params.getAll(name);
    const [value = ""] = values;
    if (!repeatable.includes(name) && values.length > 1) return invalidAt(name, "given more than once");
    entries.set(name, repeatable.includes(name) ? values : value);
  }
  return { ok: true, value: Object.fromEntries(entries) };
}

function checkTimes<T extends object>(query: T, names: readonly (keyof T & string)[]): Checked<T> {
  for (const name of names) {
    const value = query[name];
    const problem = typeof value === "string" ? timeProblem(value) : null;
    if (problem !== null) return invalidAt(name, problem);
  }
  return { ok: true, value: query };
}
