/** In which order a stream tells events and log lines, and how far it has come with them. */
import type { LiveEvent, LiveLine, LivePlace, WorkloadNews } from "./live.ts";

/** After such an event its workload tells nothing more. */
export const isLast = ({ eventType }: Pick<LiveEvent, "eventType">): boolean =>
  eventType === "workload.completed" || eventType === "workload.failed" || eventType === "workload.cancelled";

export type LiveItem = { readonly event: LiveEvent } | { readonly line: LiveLine };

const goesOn = new Set([
  "workload.created",
  "workload.scheduled",
  "workload.started",
  "workload.progress_updated",
  "workload.checkpoint_created",
]);

/** The lines of an attempt are told before what ends it, and before all that is of a later one. */
const comesBefore = ({ generation }: LiveLine, event: LiveEvent): boolean =>
  generation < event.generation || (generation === event.generation && !goesOn.has(event.eventType));

/**
 * Events and lines as one sequence. Where either list was cut at `limit`, what could still belong before something that is
 * not read yet is left for the next time: it is read again from the place that was told up to.
 */
export function inOrder({ events, lines }: WorkloadNews, limit: number): LiveItem[] {
  const items: LiveItem[] = [];
  const last = lines.at(-1);
  const isCut = lines.length >= limit;
  let told = 0;
  for (const event of events) {
    for (let line = lines[told]; line !== undefined && comesBefore(line, event); line = lines[told]) {
      items.push({ line });
      told += 1;
    }
    if (isCut && told === lines.length && last !== undefined && comesBefore(last, event)) return items;
    items.push({ event });
  }
  return events.length >= limit ? items : [...items, ...lines.slice(told).map((line) => ({ line }))];
}

/** Where a stream stands that was told this. */
export const placeAfter = (place: LivePlace, item: LiveItem): LivePlace =>
  "event" in item
    ? { ...place, eventId: item.event.eventId }
    : { ...place, generation: item.line.generation, line: item.line.line };

/** There is something to tell between `place` and `end`. */
export const isBehind = (place: LivePlace, end: LivePlace): boolean =>
  place.eventId < end.eventId ||
  place.generation < end.generation ||
  (place.generation === end.generation && place.line < end.line);
