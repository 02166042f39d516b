/** What the pages point at is there: files, headings of other pages, tests that prove something, commands. */
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const pages = ["README.md", "CONTRIBUTING.md", ...globSync("docs/*.md")];
const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```$/gm, "");

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, "")
    .replaceAll(" ", "-");

const anchorsIn = (page: string): string[] =>
  Array.from(withoutCode(readFileSync(page, "utf8")).matchAll(/^#+ (.+)$/gm), ([, heading = ""]) => anchorOf(heading));

function isThere(page: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const found = file === "" ? page : path.posix.join(path.posix.dirname(page), file);
  return existsSync(found) && (anchor === undefined || anchorsIn(found).includes(anchor));
}

/** A bare file name stands beside the path before it. */
function testsNamed(cell: string): string[] {
  let folder = "";
  return Array.from(cell.matchAll(/`([\w./-]+\.ts)`/g), ([, name = ""]) => {
    if (name.includes("/")) folder = path.posix.dirname(name);
    return name.includes("/") ? name : `${folder}/${name}`;
  });
}

describe.each(pages)("%s", (page) => {
  const text = readFileSync(page, "utf8");

  it("links to what is there", () => {
    const targets = Array.from(withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => target);
    expect(targets.filter((target) => !/^https?:/.test(target) && !isThere(page, target))).toEqual([]);
  });
});

describe("docs/SECURITY.md", () => {
  const rows = readFileSync("docs/SECURITY.md", "utf8")
    .split("\n")
    .filter((line) => line.includes("`test/"));

  it("names for each threat tests that are there", () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.flatMap(testsNamed).filter((file) => !existsSync(file))).toEqual([]);
  });
});
