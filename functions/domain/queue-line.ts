/** The lines of a queue: in a line stand those that may run in just the same places, so none holds up one that could go. */
import type { Affinity } from "../../schema/affinity.ts";
import type { Json } from "../../schema/json.ts";
import { queueLinesMax } from "../../schema/limits.ts";
import type { Workload } from "./workload.ts";

/** What a line's workloads share; any one of them names it. */
export type LineName = Pick<Workload, "pool" | "workloadType" | "affinity">;

/** Equal text, equal line. Where a workload would rather run is not in it: that keeps none waiting. */
export const lineKey = ({ pool, workloadType, affinity }: LineName): string =>
  `${pool}/${workloadType}/${boundText(affinity)}`;

/** Bound by affinity to some workers, or away from some; the others of a type all stand in one line a pool. */
export const isBound = ({ affinity }: Pick<LineName, "affinity">): boolean => boundText(affinity) !== "";

/** Whether they allow just the same workers. */
export const areEqualBounds = (a: Affinity | null, b: Affinity | null): boolean =>
  a === b || boundText(a) === boundText(b);

function boundText(affinity: Affinity | null): string {
  if (affinity === null) return "";
  const { soft_affinity: _, ...bounds } = affinity;
  const text = canonicalText(bounds);
  return text === "{}" ? "" : text;
}

/** JSON with its keys in order: equal values, equal text. */
export function canonicalText(value: Json | object | undefined): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalText(inner)}`).join()}}`;
}

/** Lines that a window of so many workloads has room for: one that always stays, and one that gives way to the next. */
export const windowLinesMax = (windowMax: number): number => Math.max(2, Math.min(windowMax, queueLinesMax));

/** The first so many lines are in every window; with the others the window goes round. */
export const lastingLines = (windowMax: number): number => Math.ceil(windowLinesMax(windowMax) / 2);

/** Each of `lines` gets an even part of the window. */
export const lineRoom = (windowMax: number, lines: number): number =>
  Math.max(1, Math.floor(windowMax / Math.max(1, lines)));
