/** Reads on for watchers, a page each, and tells them what there is: none waits for another that is far behind. */
import { closeCodes } from "../../schema/http/live.ts";
import type { CustomerId, WorkloadId } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import {
  liveEventsEachMin,
  liveEventsPageMax,
  livePagesMax,
  livePlacesMax,
  liveResultsMax,
} from "../../schema/limits.ts";
import { type LiveEvent, lineNews, newsOf, type WorkloadNews, type WorkloadPlace } from "../domain/live.ts";
import { inOrder, isLast, type LiveItem, placeAfter } from "../domain/live-order.ts";
import type { LiveStore } from "../store/live-store.ts";
import { cursorOf } from "./watch.ts";
import { textOf, type Watcher } from "./watcher.ts";

export interface ReaderDeps {
  readonly customerId: CustomerId;
  readonly store: LiveStore;
}

export interface Turn {
  /** Those who have more to read. */
  readonly behind: Set<Watcher>;
  /** When the last event of each workload that was told in this turn was decided. */
  readonly newest: Map<WorkloadId, number>;
}

/** Watchers of the same that stand at the same place: what one is told, all are told. */
interface Group {
  readonly first: Watcher;
  readonly all: readonly Watcher[];
}

/** One page for each, as many as a turn has room for. */
export async function readOn(deps: ReaderDeps, watchers: readonly Watcher[]): Promise<Turn> {
  const turn: Turn = { behind: new Set(), newest: new Map() };
  const { wide = [], single = [] } = Object.groupBy(groupsOf(watchers), kindOf);
  for (const { all } of [...wide.slice(livePagesMax), ...single.slice(livePlacesMax)])
    for (const watcher of all) turn.behind.add(watcher);
  for (const group of wide.slice(0, livePagesMax)) await readPage(deps, turn, group);
  if (single.length > 0) await readWorkloads(deps, turn, single.slice(0, livePlacesMax));
  for (const watcher of watchers) watcher.keep();
  return turn;
}

function groupsOf(watchers: readonly Watcher[]): Group[] {
  const same = Map.groupBy(watchers, ({ state }) => cursorOf(state.workloadId, state.place));
  return [...same.values()].flatMap((all) => all.slice(0, 1).map((first) => ({ first, all })));
}

const kindOf = ({ first }: Group): "wide" | "single" => (first.state.workloadId === null ? "wide" : "single");

async function readPage({ store, customerId }: ReaderDeps, turn: Turn, { first, all }: Group): Promise<void> {
  const events = await store.eventsAfter(customerId, first.state.place.eventId, liveEventsPageMax);
  for (const event of events) tellEvent(turn, all, event);
  if (events.length >= liveEventsPageMax) for (const watcher of all) turn.behind.add(watcher);
}

function tellEvent(turn: Turn, all: readonly Watcher[], event: LiveEvent, result?: Json): void {
  turn.newest.set(event.workloadId, event.at);
  tellItem(all, { event }, result);
}

function tellItem(all: readonly Watcher[], item: LiveItem, result?: Json): void {
  const [first] = all;
  if (first === undefined) return;
  const { workloadId } = first.state;
  const place = placeAfter(first.state.place, item);
  const news = "event" in item ? newsOf(item.event, result) : workloadId && lineNews(workloadId, item.line);
  const text = news && textOf(workloadId, news, place);
  for (const watcher of all) watcher.tell(text, place);
}

async function readWorkloads(deps: ReaderDeps, turn: Turn, groups: readonly Group[]): Promise<void> {
  const limit = Math.max(liveEventsEachMin, Math.floor(liveEventsPageMax / groups.length));
  const found = await deps.store.newsAfter(deps.customerId, groups.flatMap(placesOf), limit);
  const results = await readResults(deps, found);
  for (const [index, group] of groups.entries()) {
    const news = found[index] ?? { events: [], lines: [] };
    const isAll = tellWorkload(turn, group.all, { news, results, limit });
    for (const watcher of group.all) settle(turn, watcher, isAll);
  }
}

const placesOf = ({ first: { state } }: Group): WorkloadPlace[] =>
  state.workloadId === null ? [] : [{ ...state.place, workloadId: state.workloadId }];

type Results = ReadonlyMap<WorkloadId, Json>;

/** A few at a time, as a result may be large. */
async function readResults({ store, customerId }: ReaderDeps, found: readonly WorkloadNews[]): Promise<Results> {
  const completed = found.flatMap(({ events }) =>
    events.filter(({ eventType }) => eventType === "workload.completed").map(({ workloadId }) => workloadId),
  );
  const results = new Map<WorkloadId, Json>();
  for (let at = 0; at < completed.length; at += liveResultsMax) {
    const read = await store.results(customerId, completed.slice(at, at + liveResultsMax));
    for (const [id, result] of read) results.set(id, result);
  }
  return results;
}

interface Page {
  readonly news: WorkloadNews;
  readonly results: Results;
  readonly limit: number;
}

/** Whether that was all there is. */
function tellWorkload(turn: Turn, all: readonly Watcher[], { news, results, limit }: Page): boolean {
  const items = inOrder(news, limit);
  for (const item of items) {
    if ("line" in item) tellItem(all, item);
    else tellEvent(turn, all, item.event, results.get(item.event.workloadId));
  }
  if (items.some((item) => "event" in item && isLast(item.event))) for (const watcher of all) watcher.isOver();
  const isWhole = news.events.length < limit && news.lines.length < limit;
  return isWhole && items.length === news.events.length + news.lines.length;
}

function settle(turn: Turn, watcher: Watcher, isAll: boolean): void {
  if (!isAll) turn.behind.add(watcher);
  else if (watcher.state.over) watcher.end(closeCodes.ended, "ended");
}
