/** docs/ERRORS.md and the table of refusals say the same: every code, every cause, every code that ends something. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errorOf, statusOf } from "../../../functions/api/errors.ts";
import { exampleRefusals } from "../../../functions/api/openapi/refusals.ts";
import { errorBodySchema } from "../../../schema/http/error.ts";
import { closeCodes } from "../../../schema/http/live.ts";
import { operationSchema } from "../../../schema/http/operation.ts";
import { errorCodes } from "../../../schema/status.ts";

const page = readFileSync("docs/ERRORS.md", "utf8");
const refusals = Object.values(exampleRefusals);

/** What stands under a heading, up to the next one. */
const sectionOf = (title: string): string =>
  page
    .split("\n## ")
    .find((part) => part.startsWith(`${title}\n`))
    ?.slice(title.length) ?? "";

const itemPattern = /^- \*\*`(\w+)`\*\* “(.+?)”(.*)$/gm;
const itemsOf = (title: string) =>
  Array.from(sectionOf(title).matchAll(itemPattern), ([, kind = "", message = "", rest = ""]) => ({
    kind,
    message,
    rest,
  }));

/** `…` stands for what differs. */
function matches(shown: string, message: string): boolean {
  const parts = shown.split("…");
  const end = parts.at(-1) ?? "";
  let at = 0;
  for (const part of parts) {
    const found = message.indexOf(part, at);
    if (found < 0 || (at === 0 && !message.startsWith(parts[0] ?? ""))) return false;
    at = found + part.length;
  }
  return end === "" || message.endsWith(end);
}

const firstColumn = (title: string, cell: RegExp): string[] =>
  Array.from(sectionOf(title).matchAll(cell), ([, value = ""]) => value);
const numbers = /^\| (\d+) +\|/gm;
const words = /^\| `(\w+)` +\|/gm;

describe.each(errorCodes)("of %s the page", (code) => {
  it("says the status", () => {
    expect(sectionOf(code)).toContain(`Status ${statusOf[code]}.`);
  });

  it("has every cause with its message and its details, and no other", () => {
    const known = refusals.filter((refusal) => errorOf(refusal).code === code);
    const items = itemsOf(code);
    expect(items.map(({ kind }) => kind).sort()).toEqual(known.map(({ kind }) => kind).sort());
    for (const refusal of known) {
      const { message, details } = errorOf(refusal);
      const item = items.find(({ kind }) => kind === refusal.kind);
      expect(matches(item?.message ?? "", message), `${item?.message} for ${message}`).toBe(true);
      for (const name of Object.keys(details ?? {})) expect(item?.rest).toContain(`\`details.${name}\``);
    }
  });

  it("shows a body that it has", () => {
    const [, text = ""] = /```json\n([\s\S]*?)\n```/.exec(sectionOf(code)) ?? [];
    const { request_id, ...shown } = errorBodySchema.parse(JSON.parse(text)).error;
    expect(refusals.map(errorOf)).toContainEqual(shown);
    expect(request_id).toMatch(/^req_/);
  });
});

describe("the page", () => {
  it("has no code that the API does not have", () => {
    const titles = Array.from(page.matchAll(/^## ([A-Z_]+)$/gm), ([, title = ""]) => title);
    expect(titles.sort()).toEqual([...errorCodes].sort());
  });

  it("has every code that a WebSocket is closed with", () => {
    expect(firstColumn("Close codes of a WebSocket", numbers).map(Number).sort()).toEqual(
      Object.values(closeCodes).sort(),
    );
  });

  it("has every outcome of an operation on many", () => {
    const { options } = operationSchema.shape.outcome;
    expect(firstColumn("Many at once", words).sort()).toEqual([...options].sort());
  });

  it("has every code that an agent exits with", () => {
    const program = readFileSync("worker-agent/main.ts", "utf8");
    const declared = Array.from(program.matchAll(/^const exit\w+ = (\d+);$/gm), ([, code]) => Number(code));
    const orderly = 0;
    const killed = 137;
    expect(firstColumn("Exit codes of an agent", numbers).map(Number)).toEqual(
      [orderly, ...declared, killed].sort((a, b) => a - b),
    );
  });
});
