/** What of a page of commands and replies must not differ from run to run: all but the values in the replies. */
import { isDeepStrictEqual } from "node:util";

const replyPattern = /(?<=^`{3}(json|text)\n)[\s\S]*?(?=\n`{3}$)/gm;

/** The page, with every reply replaced by its shape. */
export const skeletonOf = (page: string): string =>
  page.replaceAll(replyPattern, (reply, kind) => (kind === "json" ? jsonShape(reply) : textShape(reply)));

const jsonShape = (text: string): string => JSON.stringify(shapeOf(JSON.parse(text)));

/** Of an object its fields, of a list what its items have; a value that is none of them is only one. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return [value.map(shapeOf).reduce(merged, "nothing")];
  if (typeof value !== "object" || value === null) return "value";
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, part]) => [name, shapeOf(part)]));
}

/** Items need not all have the same. */
function merged(one: unknown, other: unknown): unknown {
  if (one === "nothing" || isDeepStrictEqual(one, other)) return other;
  if (!isObject(one) || !isObject(other)) return isObject(one) ? one : other;
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
  return Object.fromEntries(names.map((name) => [name, merged(one[name] ?? "nothing", other[name] ?? one[name])]));
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

/** Its kinds of line, and of message: how often each comes, and in which order, is a matter of time. */
function textShape(text: string): string {
  const lines = text.split("\n");
  const messages = lines
    .filter((line) => line.startsWith("data: "))
    .map((line) => JSON.parse(line.slice("data: ".length)));
  const byType = Map.groupBy(messages, ({ type }) => String(type));
  const told = Array.from(byType, ([type, all]) => `${type} ${JSON.stringify(shapeOf(all))}`);
  const others = lines.filter((line) => !line.startsWith("data: ")).map(lineShape);
  return [...new Set([...told, ...others])].sort().join("\n");
}

const lineShape = (line: string): string =>
  line.startsWith("{") ? jsonShape(line) : line.replace(/(?<=^id: ).*/, "…").replaceAll(/\d+/g, "0");
