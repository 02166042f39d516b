/** JSON for people: what fits a line stands on one. */
import type { Json } from "../../../schema/json.ts";

const widthMax = 100;

export function jsonText(value: Json, indent = ""): string {
  const line = inline(value);
  if (typeof value !== "object" || value === null || indent.length + line.length <= widthMax) return line;
  const deeper = `${indent}  `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${deeper}${partsOf(value, deeper).join(`,\n${deeper}`)}\n${indent}${close}`;
}

const partsOf = (value: object, indent: string): string[] =>
  Array.isArray(value)
    ? value.map((item: Json) => jsonText(item, indent))
    : Object.entries(value).map(([name, part]: [string, Json]) => `${JSON.stringify(name)}: ${jsonText(part, indent)}`);

function inline(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  const parts = Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${inline(part)}`);
  return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
}
