/** The tree as the tidy tests see it: source files and what they import. */
import { globSync, readFileSync } from "node:fs";
import path from "node:path";

export interface SourceFile {
  /** From the top of the repository, with forward slashes. */
  readonly file: string;
  readonly text: string;
  /** Files of this repository that it imports, from the top. */
  readonly imports: readonly string[];
}

const folders = ["schema", "functions", "worker-agent", "infra", "test"];
const importPattern = /(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g;

/** Comments are not code: a rule must not trip over its own description. */
export const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "$1");

export function sourceFiles(top = process.cwd()): SourceFile[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: top }))
    .map((file) => file.split(path.sep).join("/"))
    .map((file) => read(top, file));
}

function read(top: string, file: string): SourceFile {
  const text = withoutComments(readFileSync(path.join(top, file), "utf8"));
  const targets = Array.from(text.matchAll(importPattern), ([, target = ""]) => target);
  const imports = targets.map((target) => path.posix.join(path.posix.dirname(file), target));
  return { file, text, imports };
}
