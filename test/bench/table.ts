/** The table that a reader sees: each number beside what is to be accepted and what is aimed at. */
import { styleText } from "node:util";
import type { Measurement } from "./scenario.ts";
import { rounded } from "./statistics.ts";

export type Verdict = "aimed" | "least" | "missed" | "no target";

const verdictWords: Record<Verdict, string> = {
  aimed: "ok, as aimed",
  least: "ok, at least",
  missed: "MISSED",
  "no target": "",
};
const colours = { aimed: "green", least: "yellow", missed: "red", "no target": "dim" } as const;
const whatWidth = 74;
const numberWidth = 14;
const wholeFrom = 100;

export function verdictOf({ value, least, aimed, better }: Measurement): Verdict {
  const reaches = (target: number) => (better === "lower" ? value <= target : value >= target);
  if (least === undefined || aimed === undefined) return "no target";
  if (reaches(aimed)) return "aimed";
  return reaches(least) ? "least" : "missed";
}

export function table(measurements: readonly Measurement[]): string {
  const head = row(["what", "least", "aimed", "measured", ""]);
  return [head, ...measurements.map(line), ""].join("\n");
}

function line(measurement: Measurement): string {
  const { what, least, aimed, value } = measurement;
  const verdict = verdictOf(measurement);
  const number = (given: number | undefined) => (given === undefined ? "" : format(given, measurement.unit));
  return row([what, number(least), number(aimed), number(value), styleText(colours[verdict], verdictWords[verdict])]);
}

const row = ([what = "", least = "", aimed = "", measured = "", verdict = ""]: string[]): string =>
  [what.padEnd(whatWidth), ...[least, aimed, measured].map((text) => text.padStart(numberWidth)), ` ${verdict}`].join(
    "",
  );

function format(value: number, unit: Measurement["unit"]): string {
  const digits = value >= wholeFrom ? Math.round(value) : rounded(value);
  return `${digits.toLocaleString("en")} ${unit}`;
}
