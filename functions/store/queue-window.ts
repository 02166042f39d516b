/** Cuts what was read of a queue to the window that was asked for; every store reads one more of each, to know. */
import { isBound, type LineName, lineRoom, windowLinesMax } from "../domain/queue-line.ts";
import type { Workload } from "../domain/workload.ts";
import type { QueueLine, QueueWindow } from "./store.ts";

/** What is due of each line, in the order of lines and ranks; none is empty. */
export type Heads = readonly (readonly Workload[])[];

export function cutWindow(
  heads: Heads,
  delayed: readonly Workload[],
  windowMax: number,
  page: LineName | null,
): QueueWindow {
  const kept = heads.slice(0, windowLinesMax(windowMax));
  const boundLines = kept.filter(isBoundLine).length;
  const room = { bound: lineRoom(windowMax, boundLines), free: lineRoom(windowMax, kept.length - boundLines) };
  const isLast = kept.length === heads.length;
  return {
    lines: kept.map((line) => cutLine(line, isBoundLine(line) ? room.bound : room.free)),
    linesMore: !isLast || page !== null,
    nextPage: isLast ? null : (kept.at(-1)?.[0] ?? null),
    delayed: delayed.slice(0, windowMax),
    delayedMore: delayed.length > windowMax,
  };
}

export const cutLine = (ready: readonly Workload[], room: number): QueueLine => ({
  ready: ready.slice(0, room),
  more: ready.length > room,
});

const isBoundLine = ([first]: readonly Workload[]): boolean => first !== undefined && isBound(first);
