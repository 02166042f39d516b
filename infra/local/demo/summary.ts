/** What was measured, in words. */
import { countsOf, type Evidence, measure } from "./evidence.ts";
import { describeCounts } from "./word-counts.ts";

const nameColumns = 19;
const megabyte = 1_000_000;

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
export const megabytes = (bytes: number): string => `${(bytes / megabyte).toFixed(1)} MB`;
export const percent = (value: number): string => `${value.toFixed(1)} %`;

export function summaryLines(evidence: Evidence, countedBy: string): string[] {
  const { killed, resumedPercent, expected, final } = evidence;
  const measures = measure(evidence);
  const counts = countsOf(final.result_data);
  const rows: [string, string][] = [["killed at", percent(killed.percent)]];
  if (measures !== null) {
    const { detectMs, restartMs, checkpoint, bytesTwice } = measures;
    rows.push(["resumed from", `${percent(resumedPercent)} (checkpoint ${checkpoint})`]);
    rows.push(["kill to running", seconds(detectMs + restartMs)]);
    rows.push(["- to detect it", `${seconds(detectMs)} (the lease has to run out)`]);
    rows.push(["- to start it again", `${Math.round(restartMs)} ms`]);
    rows.push(["read twice", `about ${megabytes(bytesTwice)} of ${megabytes(expected.bytes)}`]);
  }
  rows.push([`${countedBy} counts`, describeCounts(expected)]);
  rows.push(["Niyanta counts", counts === null ? "nothing" : describeCounts(counts)]);
  return rows.map(([name, value]) => `${name.padEnd(nameColumns)}  ${value}`);
}
