/** The page that a tour makes: contents, prose, commands, and the replies that they got. */
import { STATUS_CODES } from "node:http";
import { jsonSchema } from "../../../schema/json.ts";
import { jsonText } from "./json-text.ts";
import { stabilise } from "./stable.ts";
import type { PerformedSection, PerformedStep } from "./step.ts";

export function pageOf(head: string, sections: readonly PerformedSection[]): string {
  const stable = stabilise(sections.map(writtenIn));
  const contents = sections.map(({ title }) => `- [${title}](#${anchorOf(title)})`).join("\n");
  return `${[head, contents, ...sections.map((section) => sectionText(section, stable))].join("\n\n")}\n`;
}

const writtenIn = ({ begunAt, steps }: PerformedSection) => ({
  begunAt,
  typed: steps.map(({ run }) => run ?? "").join("\n"),
  output: steps.map(({ outcome }) => outcome?.output ?? "").join("\n"),
});

/** As GitHub makes it of a heading. */
const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, "")
    .replaceAll(" ", "-");

const sectionText = ({ title, steps }: PerformedSection, stable: (text: string) => string): string =>
  [`## ${title}`, ...steps.map((step) => stepText(step, stable(step.outcome?.output ?? "")))].join("\n\n");

function stepText({ say, run, outcome }: PerformedStep, output: string): string {
  if (run === undefined) return say;
  const status = outcome?.status ?? null;
  const parts = [say, block("sh", run)];
  if (status !== null) parts.push(`\`${status} ${STATUS_CODES[status]}\``);
  // Header lines end as HTTP has them; those of a page do not.
  if (output !== "") parts.push(replyBlock(output.trimEnd().replaceAll("\r\n", "\n")));
  return parts.join("\n\n");
}

const block = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\``;

function replyBlock(output: string): string {
  const json = /^[{[]/.test(output) ? jsonOf(output) : null;
  return json === null ? block("text", output) : block("json", json);
}

/** Null: it only looks like it. */
function jsonOf(text: string): string | null {
  try {
    return jsonText(jsonSchema.parse(JSON.parse(text)));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
