/** What a coordinator keeps in mind of its customer: all that hold a slot, and the head of the queue. */
import type { Pool } from "../../schema/affinity.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { queueWindowLow, queueWindowMax } from "../../schema/limits.ts";
import { isHeld, isQueued, type WorkloadStatus } from "../../schema/status.ts";
import { type LineName, lineKey } from "../domain/queue-line.ts";
import type { Workload } from "../domain/workload.ts";
import type { CustomerState, QueueLine, QueueWindow } from "../store/store.ts";
import { byDue, Head } from "./head.ts";
import { type LowLines, QueueLines } from "./queue-lines.ts";
import { Tally } from "./tally.ts";

/** Being put off is over for a workload that lost its worker. */
const isPutOff = ({ status, dueAt }: Workload): boolean => status === "PENDING" && dueAt !== null;

export class Book {
  readonly #known = new Map<WorkloadId, Workload>();
  readonly #lines: QueueLines;
  readonly #windowMax: number;
  readonly #delayed = new Head(byDue);
  #promotedTo = Number.NEGATIVE_INFINITY;
  readonly #tally: Tally;

  /** `windowMax`: what the window was read with. */
  constructor(state: Pick<CustomerState, "held" | "queue" | "queuedCount">, windowMax = queueWindowMax) {
    this.#lines = new QueueLines(windowMax);
    this.#windowMax = windowMax;
    this.#tally = new Tally(state.queuedCount);
    for (const workload of state.held) {
      this.#keep(workload);
      this.#tally.count(workload.status, workload.pool, 1);
    }
    this.#takeIn(state.queue);
  }

  /** SCHEDULED or RUNNING, exactly. */
  get heldCount(): number {
    return this.#tally.held;
  }

  /** Of those, in this pool. */
  heldIn(pool: Pool): number {
    return this.#tally.heldIn(pool);
  }

  /** PENDING or REDISTRIBUTING, exactly, also beyond the window. */
  get queuedCount(): number {
    return this.#tally.queued;
  }

  get(id: WorkloadId): Workload | undefined {
    return this.#known.get(id);
  }

  *held(pool?: Pool): Iterable<Workload> {
    for (const workload of this.#known.values()) {
      if (isHeld(workload.status) && (pool === undefined || workload.pool === pool)) yield workload;
    }
  }

  /** What is due in this pool: the first of its lines, in order of rank, at most `max` in all. */
  heads(pool: Pool, max: number): Workload[] {
    return this.#lines.heads(pool, max);
  }

  /** How many stand before it in its line; where that is not all in mind, all others that wait are taken to. */
  ahead(workload: Workload): number {
    return this.#lines.ahead(workload) ?? Math.max(0, this.queuedCount - 1);
  }

  /** Something of this pool is due, in mind or not. */
  isWaiting(pool: Pool): boolean {
    return this.#lines.isPaged || this.#lines.isWaiting(pool);
  }

  /** Something of this pool is queued, due or not, or holds a slot. */
  isActive(pool: Pool): boolean {
    if (this.isWaiting(pool) || this.#delayed.isCut) return true;
    for (const workload of this.#known.values()) if (workload.pool === pool) return true;
    return false;
  }

  pools(): Set<Pool> {
    const known = Array.from(this.#known.values(), (workload) => workload.pool);
    return new Set([...known, ...this.#lines.pools()]);
  }

  /** The earliest due time among those that are not due; null: none waits for its time. */
  nextDueAt(): number | null {
    return this.#delayed.first?.dueAt ?? null;
  }

  /** A committed step: `from` null for a new workload. */
  record(from: WorkloadStatus | null, next: Workload): void {
    // What holds a slot is always known, and with the pool where it holds it.
    if (from !== null) this.#tally.count(from, this.#known.get(next.workloadId)?.pool ?? next.pool, -1);
    this.#tally.count(next.status, next.pool, 1);
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
    if (!this.#lines.remove(known)) this.#delayed.remove(known);
  }

  /** Moves what has become due into its line; true when there was any. */
  promote(now: number): boolean {
    this.#promotedTo = Math.max(now, this.#promotedTo);
    this.#lines.passTime(now);
    let moved = false;
    for (let due = this.#dueBy(now); due !== undefined; due = this.#dueBy(now)) {
      this.forget(due.workloadId);
      this.#enqueueReady(due);
      moved = true;
    }
    return moved;
  }

  /** The window runs low while Postgres holds more. */
  needsRefill(): boolean {
    return this.needsWindow() || this.lowLines().length > 0;
  }

  /** All of the window is to be read, from `page` on. */
  needsWindow(): boolean {
    const low = Math.ceil((this.#windowMax * queueWindowLow) / queueWindowMax);
    return (this.#delayed.isCut && this.#delayed.length < low) || this.#lines.needsPage();
  }

  /** Lines of the queue are not in mind, not even their first. */
  get isPaged(): boolean {
    return this.#lines.isPaged;
  }

  get page(): LineName | null {
    return this.#lines.page;
  }

  /** These lines alone are to be read. */
  lowLines(): LowLines[] {
    return this.#lines.low();
  }

  /** As of when to read: never before what was taken as due already. */
  readAt(now: number): number {
    return Math.max(now, this.#promotedTo);
  }

  /** Replaces the queue in mind by a fresh window. */
  refill(window: QueueWindow): void {
    for (const workload of [...this.#known.values()])
      if (isQueued(workload.status)) this.#known.delete(workload.workloadId);
    this.#takeIn(window);
  }

  /** Replaces the heads of the lines that were asked for; one that is not among those read is empty. */
  refillLines(names: readonly LineName[], read: readonly QueueLine[]): void {
    const found = new Map(read.flatMap((line) => line.ready.slice(0, 1).map((first) => [lineKey(first), line])));
    // What has become due just now may be in mind as due later.
    for (const { ready } of read) for (const { workloadId } of ready) this.forget(workloadId);
    for (const name of names) this.#refillLine(name, found.get(lineKey(name)) ?? { ready: [], more: false });
  }

  #refillLine(name: LineName, line: QueueLine): void {
    for (const { workloadId } of this.#lines.replaceLine(name, line)) this.#known.delete(workloadId);
    for (const workload of line.ready) this.#keep(workload);
  }

  #keep(workload: Workload): void {
    this.#known.set(workload.workloadId, workload);
  }

  #takeIn(window: QueueWindow): void {
    this.#lines.replace(window);
    this.#delayed.replace(window.delayed, window.delayedMore);
    for (const { ready } of window.lines) for (const workload of ready) this.#keep(workload);
    for (const workload of window.delayed) this.#keep(workload);
  }

  #enqueue(workload: Workload): void {
    if (isPutOff(workload)) this.#enqueueDelayed(workload);
    else this.#enqueueReady(workload);
  }

  #enqueueReady(workload: Workload): void {
    if (!this.#lines.add(workload)) return;
    this.#keep(workload);
    for (const { workloadId } of this.#lines.trim()) this.#known.delete(workloadId);
  }

  #enqueueDelayed(workload: Workload): void {
    if (!this.#delayed.add(workload, this.#windowMax)) return;
    this.#keep(workload);
    if (this.#delayed.length <= 2 * this.#windowMax) return;
    for (const { workloadId } of this.#delayed.trim(this.#windowMax)) this.#known.delete(workloadId);
  }

  #dueBy(now: number): Workload | undefined {
    const { first } = this.#delayed;
    return first !== undefined && (first.dueAt ?? 0) <= now ? first : undefined;
  }
}
