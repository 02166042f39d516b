/** The code checks itself. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { limitRelations } from "../../../schema/limits.ts";
import { banProblems, importProblems, nameProblems, openingProblems } from "./rules.ts";
import { type SourceFile, sourceFiles, withoutComments } from "./tree.ts";

// The rules themselves quote what they forbid.
const files = sourceFiles().filter(({ file }) => !file.startsWith("test/unit/tidy/"));
const product = files.filter(({ file }) => !file.startsWith("test/"));
const invented = (file: string, text: string, imports: string[] = []): SourceFile[] => [{ file, text, imports }];

describe("the tree", () => {
  it("imports in one direction only", () => {
    expect(importProblems(files)).toEqual([]);
  });

  it("calls nothing that its place forbids", () => {
    expect(banProblems(files)).toEqual([]);
  });

  it("names files by what is in them", () => {
    expect(nameProblems(files)).toEqual([]);
  });

  it("opens every file with a sentence on what it owns", () => {
    const openings = product.map(({ file }) => ({ file, opening: readFileSync(file, "utf8") }));
    expect(openingProblems(openings)).toEqual([]);
  });

  it.each(limitRelations)("keeps the relation: %s", (_, holds) => {
    expect(holds).toBe(true);
  });
});

describe("the rules", () => {
  it("catch an import against the direction", () => {
    expect(importProblems(invented("functions/domain/a.ts", "", ["functions/store/store.ts"]))).toHaveLength(1);
    expect(importProblems(invented("worker-agent/a.ts", "", ["functions/domain/retry.ts"]))).toHaveLength(1);
    expect(importProblems(invented("functions/scheduler/a.ts", "", ["functions/coordinator/book.ts"]))).toHaveLength(1);
    expect(
      importProblems(invented("functions/coordinator/a.ts", "", ["functions/store/postgres/queue.ts"])),
    ).toHaveLength(1);
  });

  it("catch the clock, randomness and the environment where they are ambient", () => {
    for (const text of ["Date.now()", "Math.random()", "process.env.X", "new Date()"]) {
      expect(banProblems(invented("functions/domain/a.ts", text))).toHaveLength(1);
    }
    expect(banProblems(invented("functions/compose.ts", "Date.now()"))).toEqual([]);
  });

  it("catch whoever opens a database beside the one place, or says there for whom a request is", () => {
    for (const text of [
      "neon(url)",
      "drizzle({ client })",
      "select set_config('niyanta.customer_id', $1, true)",
      "SET LOCAL ROLE niyanta_operator",
    ]) {
      expect(banProblems(invented("functions/api/a.ts", text))).toHaveLength(1);
      expect(banProblems(invented("functions/store/postgres/database.ts", text))).toEqual([]);
    }
  });

  it("catch swallowed errors and sleeping tests", () => {
    expect(banProblems(invented("worker-agent/a.ts", "try { x() } catch {}"))).toHaveLength(1);
    expect(banProblems(invented("test/unit/a.test.ts", "await new Promise((r) => setTimeout(r, 5))"))).toHaveLength(1);
  });

  it("do not mistake a comment for code", () => {
    expect(withoutComments("a(); // Date.now()\n/* Math.random() */ b();")).not.toMatch(/Date|Math/);
  });
});
