/** The head of an ordered part of the queue, and the edge behind which the rest stays in Postgres. */
import { createSortedList, type SortedList } from "../domain/sorted-list.ts";
import type { Workload } from "../domain/workload.ts";

type Compare = (a: Workload, b: Workload) => number;

const byId: Compare = (a, b) => (a.workloadId < b.workloadId ? -1 : a.workloadId > b.workloadId ? 1 : 0);
export const byRank: Compare = (a, b) => a.queueRank - b.queueRank || byId(a, b);
export const byDue: Compare = (a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0) || byId(a, b);

export class Head {
  readonly #compare: Compare;
  #list: SortedList<Workload>;
  /** Everything of this part that Postgres holds and the list does not stands at or behind it; null: the list is all. */
  #edge: Workload | null = null;

  constructor(compare: Compare) {
    this.#compare = compare;
    this.#list = createSortedList(compare);
  }

  get length(): number {
    return this.#list.length;
  }

  /** There is more than the list. */
  get isCut(): boolean {
    return this.#edge !== null;
  }

  get first(): Workload | undefined {
    return this.#list.first();
  }

  upTo(max: number): Workload[] {
    return this.#list.head(max);
  }

  /** How many stand before it; null: it stands behind the edge. */
  before(workload: Workload): number | null {
    const isBehind = this.#edge !== null && this.#compare(workload, this.#edge) > 0;
    return isBehind ? null : this.#list.before(workload);
  }

  /** False: it stands behind the edge, or behind the last of a full list, which makes it the edge. */
  add(workload: Workload, room: number): boolean {
    const last = this.#edge ?? (this.length < room ? undefined : this.#list.last());
    if (last === undefined || this.#compare(workload, last) <= 0) {
      this.#list.add(workload);
      return true;
    }
    this.#edge ??= workload;
    return false;
  }

  remove(workload: Workload): boolean {
    return this.#list.remove(workload);
  }

  /** Takes what was read, in place of what it had, which is answered. */
  replace(read: readonly Workload[], more: boolean): Workload[] {
    const before = this.upTo(this.length);
    this.#list = createSortedList(this.#compare);
    for (const workload of read) this.#list.add(workload);
    this.#edge = more ? (read.at(-1) ?? null) : null;
    return before;
  }

  /** Leaves to Postgres what goes beyond the room, which is answered. */
  trim(room: number): Workload[] {
    const beyond = this.upTo(this.length).slice(room);
    for (const workload of beyond.toReversed()) this.#list.remove(workload);
    this.#edge = beyond[0] ?? this.#edge;
    return beyond;
  }
}
