/** Parsing what came in with a schema; what is wrong becomes one refusal with a bounded list of issues. */
import type { z } from "zod";
import { toStorableText } from "../../schema/json.ts";
import type { Checked, HttpRefusal } from "./errors.ts";

export interface Issue {
  /** Where, with dots: `workloads.3.pool`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

const issuesMax = 20;
const issueTextLengthMax = 200;

const short = (text: string) => toStorableText(text.slice(0, issueTextLengthMax));

export function invalid(issues: readonly Issue[]): Extract<HttpRefusal, { kind: "invalid" }> {
  const shown = issues.slice(0, issuesMax).map(({ path, message }) => ({ path: short(path), message: short(message) }));
  const [first] = shown;
  const where = first === undefined || first.path === "" ? "" : `${first.path}: `;
  return { kind: "invalid", message: `invalid input: ${where}${first?.message ?? ""}`, details: { issues: shown } };
}

export const invalidAt = (path: string, message: string) =>
  ({ ok: false, refusal: invalid([{ path, message }]) }) as const;

const toIssue = (issue: z.core.$ZodIssue): Issue => ({
  path: issue.path.map(String).join("."),
  message: issue.message,
});

export function validate<T>(schema: z.ZodType<T>, value: unknown): Checked<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, refusal: invalid(parsed.error.issues.slice(0, issuesMax).map(toIssue)) };
}
