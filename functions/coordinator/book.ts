/** What a coordinator keeps in mind of its customer: all that hold a slot, and the head of the queue. */
import type { Pool } from "../../schema/affinity.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { queueWindowLow, queueWindowMax } from "../../schema/limits.ts";
import { isHeld, isQueued, type WorkloadStatus } from "../../schema/status.ts";
import { createSortedList, type SortedList } from "../domain/sorted-list.ts";
import type { Workload } from "../domain/workload.ts";
import type { CustomerState, QueueWindow } from "../store/store.ts";

const order = (a: number, b: number, idA: string, idB: string) => a - b || (idA < idB ? -1 : idA > idB ? 1 : 0);
const byRank = (a: Workload, b: Workload) => order(a.queueRank, b.queueRank, a.workloadId, b.workloadId);
const byDue = (a: Workload, b: Workload) => order(a.dueAt ?? 0, b.dueAt ?? 0, a.workloadId, b.workloadId);

type Line = SortedList<Workload>;

/** Queued workloads of one type in one pool wait in one line, so that a type without workers holds up no other. */
const lineKey = (workload: Workload) => `${workload.pool}/${workload.workloadType}`;

/** Behind the edge, or, where there is none yet, behind the last of a full window. */
function behind(
  edge: Workload | null,
  last: Workload | undefined,
  workload: Workload,
  compare: typeof byRank,
): boolean {
  if (edge !== null) return compare(workload, edge) > 0;
  return last !== undefined && compare(workload, last) > 0;
}

export class Book {
  readonly #known = new Map<WorkloadId, Workload>();
  readonly #lines = new Map<string, Line>();
  #delayed: Line = createSortedList(byDue);
  #readyCount = 0;
  /** Everything that Postgres holds beyond the window stands at or behind these; null: the window is all. */
  #readyEdge: Workload | null = null;
  #delayedEdge: Workload | null = null;
  #heldCount = 0;
  #queuedCount: number;

  constructor(state: Pick<CustomerState, "held" | "queue" | "queuedCount">) {
    this.#queuedCount = state.queuedCount;
    for (const workload of state.held) this.#keep(workload);
    this.#heldCount = state.held.length;
    this.#enqueueAll(state.queue);
  }

  /** SCHEDULED or RUNNING, exactly. */
  get heldCount(): number {
    return this.#heldCount;
  }

  /** PENDING or REDISTRIBUTING, exactly, also beyond the window. */
  get queuedCount(): number {
    return this.#queuedCount;
  }

  get(id: WorkloadId): Workload | undefined {
    return this.#known.get(id);
  }

  *held(pool?: Pool): Iterable<Workload> {
    for (const workload of this.#known.values()) {
      if (isHeld(workload.status) && (pool === undefined || workload.pool === pool)) yield workload;
    }
  }

  /** The heads of this pool's lines, at most `max` in all, each line with an even part of it. */
  heads(pool: Pool, max: number): Workload[] {
    const lines = [...this.#lines].filter(([key, line]) => key.startsWith(`${pool}/`) && line.length > 0);
    const each = Math.ceil(max / Math.max(1, lines.length));
    return lines.flatMap(([, line]) => line.head(each));
  }

  isWaiting(pool: Pool): boolean {
    for (const [key, line] of this.#lines) if (line.length > 0 && key.startsWith(`${pool}/`)) return true;
    return false;
  }

  /** Something of this pool is queued, due or not, or holds a slot. */
  isActive(pool: Pool): boolean {
    if (this.isWaiting(pool) || this.#readyEdge !== null || this.#delayedEdge !== null) return true;
    for (const workload of this.#known.values()) if (workload.pool === pool) return true;
    return false;
  }

  pools(): Set<Pool> {
    return new Set(Array.from(this.#known.values(), (workload) => workload.pool));
  }

  /** The earliest due time among those that are not due; null: none waits for its time. */
  nextDueAt(): number | null {
    return this.#delayed.first()?.dueAt ?? null;
  }

  /** A committed step: `from` null for a new workload. */
  record(from: WorkloadStatus | null, next: Workload): void {
    if (from !== null) this.#count(from, -1);
    this.#count(next.status, 1);
    this.forget(next.workloadId);
    if (isHeld(next.status)) this.#keep(next);
    else if (isQueued(next.status)) this.#enqueue(next);
  }

  /** Out of mind, not out of the counts: it is read again when needed. */
  forget(id: WorkloadId): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    this.#known.delete(id);
    if (!isQueued(known.status)) return;
    if (this.#lines.get(lineKey(known))?.remove(known) === true) this.#readyCount -= 1;
    else this.#delayed.remove(known);
  }

  /** Moves what has become due into its line; true when there was any. */
  promote(now: number): boolean {
    let moved = false;
    for (let due = this.#delayed.first(); due !== undefined && (due.dueAt ?? 0) <= now; due = this.#delayed.first()) {
      this.#delayed.remove(due);
      this.#enqueueReady(due);
      moved = true;
    }
    return moved;
  }

  /** The window runs low while Postgres holds more. */
  needsRefill(): boolean {
    const swollen = this.#readyCount > 2 * queueWindowMax;
    const readyLow = this.#readyEdge !== null && this.#readyCount < queueWindowLow;
    const delayedLow = this.#delayedEdge !== null && this.#delayed.length < queueWindowLow;
    return swollen || readyLow || delayedLow;
  }

  /** Replaces the queue in mind by a fresh window. */
  refill(window: QueueWindow): void {
    for (const workload of [...this.#known.values()])
      if (isQueued(workload.status)) this.#known.delete(workload.workloadId);
    this.#lines.clear();
    this.#delayed = createSortedList(byDue);
    this.#readyCount = 0;
    this.#enqueueAll(window);
  }

  #count(status: WorkloadStatus, by: 1 | -1): void {
    if (isHeld(status)) this.#heldCount += by;
    else if (isQueued(status)) this.#queuedCount += by;
  }

  #keep(workload: Workload): void {
    this.#known.set(workload.workloadId, workload);
  }

  #enqueueAll(window: QueueWindow): void {
    for (const workload of window.ready) this.#enqueueReady(workload);
    for (const workload of window.delayed) this.#enqueueDelayed(workload);
    this.#readyEdge = window.readyMore ? (window.ready.at(-1) ?? null) : null;
    this.#delayedEdge = window.delayedMore ? (window.delayed.at(-1) ?? null) : null;
  }

  /** What stands behind the edge, or does not fit the window, stays in Postgres until the window runs low. */
  #enqueue(workload: Workload): void {
    if (workload.dueAt === null) {
      if (behind(this.#readyEdge, this.#lastReady(), workload, byRank)) this.#readyEdge ??= workload;
      else this.#enqueueReady(workload);
    } else {
      const last = this.#delayed.length < queueWindowMax ? undefined : this.#delayed.last();
      if (behind(this.#delayedEdge, last, workload, byDue)) this.#delayedEdge ??= workload;
      else this.#enqueueDelayed(workload);
    }
  }

  /** The last of the window when it is full. */
  #lastReady(): Workload | undefined {
    if (this.#readyCount < queueWindowMax) return undefined;
    const ends = Array.from(this.#lines.values()).flatMap((line) => line.last() ?? []);
    return ends.sort(byRank).at(-1);
  }

  #enqueueReady(workload: Workload): void {
    this.#keep(workload);
    const key = lineKey(workload);
    const line = this.#lines.get(key) ?? createSortedList(byRank);
    this.#lines.set(key, line);
    line.add(workload);
    this.#readyCount += 1;
  }

  #enqueueDelayed(workload: Workload): void {
    this.#keep(workload);
    this.#delayed.add(workload);
  }
}
