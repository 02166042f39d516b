/** Small JSON files that are read while they are rewritten: whole before or whole after, never half. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import type { z } from "zod";

const ownerOnly = 0o600;

export function writeJsonFile(path: string, content: unknown): void {
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: ownerOnly });
  renameSync(draft, path);
}

/** The parsed content, or null when the file is absent or is not what the schema says. */
export function readJsonFile<Shape>(path: string, schema: z.ZodType<Shape>): Shape | null {
  const text = readTextIfPresent(path);
  if (text === null) return null;
  const parsed = schema.safeParse(parseJson(text));
  return parsed.success ? parsed.data : null;
}

function readTextIfPresent(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw new Error(`reading ${path}`, { cause: error });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a torn file of an older run is as good as none
  }
}
