/** The head of a customer's queue in memory. */
import { isQueued } from "../../../schema/status.ts";
import { isBound, type LineName, lastingLines, lineKey, windowLinesMax } from "../../domain/queue-line.ts";
import type { Workload } from "../../domain/workload.ts";
import { cutLine, cutWindow, type Heads } from "../queue-window.ts";
import type { QueueLine, QueueWindow } from "../store.ts";

const byId = (a: Workload, b: Workload): number => (a.workloadId < b.workloadId ? -1 : 1);

export function windowOf(
  all: readonly Workload[],
  windowMax: number,
  now: number,
  page: LineName | null = null,
): QueueWindow {
  const delayed = all.filter((workload) => isLater(workload, now));
  delayed.sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || byId(a, b));
  return cutWindow(pageOf(linesOf(all, now), windowMax, page), delayed, windowMax, page);
}

export function namedLines(
  all: readonly Workload[],
  names: readonly LineName[],
  room: number,
  now: number,
): QueueLine[] {
  const asked = new Set(names.map(lineKey));
  const lines = linesOf(all, now).filter(([first]) => first !== undefined && asked.has(lineKey(first)));
  return lines.map((line) => cutLine(line, room));
}

const isLater = ({ status, dueAt }: Workload, now: number) => status === "PENDING" && dueAt !== null && dueAt > now;

/** All that is due, by lines: those that are bound to no worker first. */
function linesOf(all: readonly Workload[], now: number): Heads {
  const ready = all.filter((workload) => isQueued(workload.status) && !isLater(workload, now));
  ready.sort((a, b) => a.queueRank - b.queueRank || byId(a, b));
  const lines = Map.groupBy(ready, orderOf);
  return [...lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
}

const orderOf = (name: LineName) => `${Number(isBound(name))} ${lineKey(name)}`;

/** The lines that are always there, and those behind the page; one more than the window has room for. */
function pageOf(lines: Heads, windowMax: number, page: LineName | null): Heads {
  const lasting = lastingLines(windowMax);
  const isBehind = ([first]: readonly Workload[]) => page === null || (first && orderOf(first) > orderOf(page));
  return [...lines.slice(0, lasting), ...lines.slice(lasting).filter(isBehind)].slice(0, windowLinesMax(windowMax) + 1);
}
