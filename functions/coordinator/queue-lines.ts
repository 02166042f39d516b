/** The heads of the lines of a customer's queue, as much of them as a window has room for. */
import type { Pool } from "../../schema/affinity.ts";
import { queueLinesTurnSeconds, queueWindowLow, queueWindowMax } from "../../schema/limits.ts";
import { isBound, type LineName, lastingLines, lineKey, lineRoom, windowLinesMax } from "../domain/queue-line.ts";
import type { Workload } from "../domain/workload.ts";
import type { QueueLine, QueueWindow } from "../store/store.ts";
import { byRank, Head } from "./head.ts";

interface Line {
  readonly name: LineName;
  readonly isBound: boolean;
  readonly head: Head;
}

/** Lines to be read anew, and how much of each. */
export interface LowLines {
  readonly names: readonly LineName[];
  readonly room: number;
}

const lowPart = queueWindowLow / queueWindowMax;
/** When one line is low, those that soon will be are read with it. */
const soonLowPart = 1 / 2;
/** What goes before the edge is always taken in, up to so many windows; then all lines are cut to their room. */
const windowsMax = 3;

/** Without the workload that it was taken from. */
const nameOf = ({ pool, workloadType, affinity }: LineName): LineName => ({ pool, workloadType, affinity });
const isOpen = ({ head }: Line): boolean => head.length > 0 || head.isCut;

export class QueueLines {
  readonly #windowMax: number;
  readonly #lines = new Map<string, Line>();
  #boundLines = 0;
  #count = 0;
  /** Postgres holds lines that are not here: one that is unknown here may be among them. */
  #isPaged = false;
  #page: LineName | null = null;
  #turnsAt: number | null = null;
  #isTurn = false;

  constructor(windowMax: number) {
    this.#windowMax = windowMax;
  }

  get isPaged(): boolean {
    return this.#isPaged;
  }

  /** Where the next window goes on. */
  get page(): LineName | null {
    return this.#page;
  }

  /** False: the window has no room for it, and it stays in Postgres until it is read. */
  add(workload: Workload): boolean {
    const line = this.#lineOf(workload);
    if (line?.head.add(workload, this.#room(line.isBound)) !== true) return false;
    this.#count += 1;
    return true;
  }

  remove(workload: Workload): boolean {
    const key = lineKey(workload);
    const line = this.#lines.get(key);
    if (line?.head.remove(workload) !== true) return false;
    this.#count -= 1;
    this.#dropEmpty(key, line);
    return true;
  }

  /** How many stand before it in its line; null: not all of them are here. */
  ahead(workload: Workload): number | null {
    const line = this.#lines.get(lineKey(workload));
    return line === undefined ? (this.#isPaged ? null : 0) : line.head.before(workload);
  }

  /**
   * The first of this pool's lines, in order of rank, at most `max` in all. Lines that are bound to some workers and lines
   * that are not have a half each where there are both, and of it each line an even part: lines that cannot go on, however
   * many, take little from those that can.
   */
  heads(pool: Pool, max: number): Workload[] {
    const kinds = [...Map.groupBy(this.#waiting(pool), (line) => line.isBound).values()];
    const heads = kinds.flatMap((lines) => {
      const each = lineRoom(max, lines.length * kinds.length);
      return lines.flatMap(({ head }) => head.upTo(each));
    });
    return heads.sort(byRank).slice(0, max);
  }

  /** Also where the head has just come to its end. */
  isWaiting(pool: Pool): boolean {
    for (const line of this.#lines.values()) if (isOpen(line) && line.name.pool === pool) return true;
    return false;
  }

  pools(): Pool[] {
    return [...this.#lines.values()].filter(isOpen).map(({ name }) => name.pool);
  }

  low(): LowLines[] {
    return [false, true].flatMap((bound) => {
      const room = this.#room(bound);
      const cut = Array.from(this.#lines.values()).filter((line) => line.head.isCut && line.isBound === bound);
      const below = (part: number) => cut.filter(({ head }) => head.length < Math.ceil(room * part));
      return below(lowPart).length === 0 ? [] : { names: below(soonLowPart).map(({ name }) => name), room };
    });
  }

  /** Lines that are not here are to be read: their turn has come, or there is room for them. */
  needsPage(): boolean {
    if (!this.#isPaged) return false;
    return this.#isTurn || this.#waiting().length < lastingLines(this.#windowMax);
  }

  /** Lines that cannot go on must not keep others out for ever. */
  passTime(now: number): void {
    if (!this.#isPaged) return;
    this.#turnsAt ??= now + queueLinesTurnSeconds * 1_000;
    if (now >= this.#turnsAt) this.#isTurn = true;
  }

  /** Forgets all, and takes in the window. */
  replace(window: Pick<QueueWindow, "lines" | "linesMore" | "nextPage">): void {
    this.#lines.clear();
    this.#boundLines = 0;
    this.#count = 0;
    this.#isPaged = false;
    for (const line of window.lines) for (const first of line.ready.slice(0, 1)) this.replaceLine(first, line);
    this.#isPaged = window.linesMore;
    this.#page = window.nextPage;
    this.#turnsAt = null;
    this.#isTurn = false;
  }

  /** Answers what was in mind of this line before. */
  replaceLine(name: LineName, read: QueueLine): Workload[] {
    const line = this.#lineOf(name);
    if (line === null) return [];
    const before = line.head.replace(read.ready, read.more);
    this.#count += read.ready.length - before.length;
    this.#dropEmpty(lineKey(name), line);
    return before;
  }

  /** What is left to Postgres, because there is far too much. */
  trim(): Workload[] {
    if (this.#count <= windowsMax * this.#windowMax) return [];
    const beyond = Array.from(this.#lines.values()).flatMap((line) => line.head.trim(this.#room(line.isBound)));
    this.#count -= beyond.length;
    return beyond;
  }

  #waiting(pool?: Pool): Line[] {
    const isWaiting = ({ head, name }: Line) => head.length > 0 && (pool === undefined || name.pool === pool);
    return Array.from(this.#lines.values()).filter(isWaiting);
  }

  #room(bound: boolean): number {
    return lineRoom(this.#windowMax, bound ? this.#boundLines : this.#lines.size - this.#boundLines);
  }

  /** Null: no room for another line, or it may have a beginning that is not here. */
  #lineOf(name: LineName): Line | null {
    const key = lineKey(name);
    const known = this.#lines.get(key);
    if (known !== undefined) return known;
    if (this.#lines.size >= windowLinesMax(this.#windowMax)) this.#isPaged = true;
    if (this.#isPaged) return null;
    const line: Line = { name: nameOf(name), isBound: isBound(name), head: new Head(byRank) };
    this.#lines.set(key, line);
    if (line.isBound) this.#boundLines += 1;
    return line;
  }

  /** A line that was forgotten while others are not here would not be known to be whole when it comes again. */
  #dropEmpty(key: string, line: Line): void {
    if (isOpen(line) || this.#isPaged || !this.#lines.delete(key)) return;
    if (line.isBound) this.#boundLines -= 1;
  }
}
