/** The metrics of several pools as one text. */
import { expect, it } from "vitest";
import { mergeMetrics } from "../../../functions/telemetry/metrics-text.ts";

const pool = (name: string) =>
  `# HELP slots Slots.\n# TYPE slots gauge\nslots{pool="${name}"} 1\n# HELP runs Runs.\n# TYPE runs counter\nruns{pool="${name}"} 2\n`;

it("names each metric once, before the samples of all pools", () => {
  expect(
    mergeMetrics([pool("a"), pool("b")])
      .trimEnd()
      .split("\n"),
  ).toEqual([
    "# HELP slots Slots.",
    "# TYPE slots gauge",
    'slots{pool="a"} 1',
    'slots{pool="b"} 1',
    "# HELP runs Runs.",
    "# TYPE runs counter",
    'runs{pool="a"} 2',
    'runs{pool="b"} 2',
  ]);
});

it("leaves the text of a single pool as it is", () => {
  expect(mergeMetrics([pool("a")])).toBe(pool("a"));
});
