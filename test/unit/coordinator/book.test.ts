/** The book against a naive recount, and at the edges of its window. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Book } from "../../../functions/coordinator/book.ts";
import { lineKey } from "../../../functions/domain/queue-line.ts";
import type { Workload } from "../../../functions/domain/workload.ts";
import { namedLines, windowOf } from "../../../functions/store/memory/queue.ts";
import { queueWindowLow, queueWindowMax } from "../../../schema/limits.ts";
import { isHeld, isQueued } from "../../../schema/status.ts";
import { newWorkload, t0 } from "../../support/records.ts";
import { workerId } from "../domain/pool-builder.ts";
import { byRank, isOpen, keep, linesOf, operate, operation, pools, Table, turnMs, types } from "./table.ts";

const noWindow = { lines: [], linesMore: false, nextPage: null, delayed: [], delayedMore: false };
const emptyBook = (windowMax = queueWindowMax) => new Book({ held: [], queue: noWindow, queuedCount: 0 }, windowMax);
const everything = 100_000;
describe("a book whose window holds everything", () => {
  test("agrees with a recount after any operations (I21)", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120 }), (operations) => {
        const table = new Table();
        const book = emptyBook();
        for (const one of operations) operate(table, book, one);
        book.promote(table.now);
        expect(book.heldCount).toBe(table.count(isHeld));
        expect(book.queuedCount).toBe(table.count(isQueued));
        expect([...book.held()].map(({ workloadId }) => workloadId).sort()).toEqual(
          table.all
            .filter(({ status }) => isHeld(status))
            .map(({ workloadId }) => workloadId)
            .sort(),
        );
        for (const pool of pools) expectPool(table, book, pool);
        const delayed = table.all.filter(
          ({ status, dueAt }) => isQueued(status) && dueAt !== null && dueAt > table.now,
        );
        const first = Math.min(...delayed.map(({ dueAt }) => dueAt ?? 0));
        expect(book.nextDueAt()).toBe(delayed.length === 0 ? null : first);
        expect(book.needsRefill()).toBe(false);
      }),
    );
  });
});

function expectPool(table: Table, book: Book, pool: string): void {
  const heads = book.heads(pool, everything);
  expect(heads).toEqual([...heads].sort(byRank));
  for (const type of types) {
    expect(heads.filter(({ workloadType }) => workloadType === type)).toEqual(table.ready(pool, type, table.now));
  }
  expect(book.isWaiting(pool)).toBe(heads.length > 0);
  expect(book.isActive(pool)).toBe(table.all.some((one) => one.pool === pool && isOpen(one.status)));
}

describe("a book whose window is smaller than the queue", () => {
  test("loses nothing: whoever takes its heads and refills it when it asks gets all, each line in order (I7, L4)", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), (operations, size) => {
        const table = new Table();
        const book = emptyBook(size);
        for (const one of operations) operate(table, book, one);
        book.refill(windowOf(table.all, size, table.now));
        for (const one of operations) operate(table, book, one);
        const taken = drain(table, book, size);
        expect(table.count(isQueued)).toBe(0);
        expect(book.queuedCount).toBe(0);
        for (const line of Map.groupBy(taken, lineKey).values()) expect(line).toEqual([...line].sort(byRank));
      }),
    );
  });

  test("keeps of each line its first and nothing behind a gap, of every line something, and no more than it may (L1)", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), fc.integer({ min: 2, max: 40 }), (operations, size) => {
        const table = new Table();
        const book = emptyBook(size);
        for (const one of operations) {
          operate(table, book, one);
          keep(table, book, size);
          expectHeads(table, book);
          expect(book.heldCount).toBe(table.count(isHeld));
          expect(book.queuedCount).toBe(table.count(isQueued));
          expect(
            table.all.filter((row) => isQueued(row.status) && book.get(row.workloadId)).length,
          ).toBeLessThanOrEqual(5 * size);
        }
      }),
    );
  });

  test("offers the first of every line in its turn, when none can go on and there are more than it keeps (L1)", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 80 }), fc.integer({ min: 2, max: 6 }), (operations, size) => {
        const table = new Table();
        const book = emptyBook(size);
        for (const one of operations) operate(table, book, one);
        const seen = new Set<string>();
        for (let turn = 0; turn < 2 * linesOf(table).size + 2; turn += 1) {
          table.now += turnMs;
          keep(table, book, size);
          for (const pool of pools) for (const { workloadId } of book.heads(pool, everything)) seen.add(workloadId);
        }
        for (const [first] of linesOf(table).values()) expect(seen).toContain(first?.workloadId);
      }),
    );
  });

  test("stays within bounds however much goes before what it holds", () => {
    const book = emptyBook(100);
    const all = queue(1_000).toReversed();
    for (const workload of all) book.record(null, workload);
    const kept = all.filter(({ workloadId }) => book.get(workloadId));
    expect(kept.length).toBeLessThanOrEqual(300);
    expect(book.heads("default", everything)).toEqual(all.toReversed().slice(0, kept.length));
    expect(book.queuedCount).toBe(1_000);
    for (const workload of kept) book.record("PENDING", { ...workload, status: "CANCELLED" });
    expect(book.needsRefill()).toBe(true);
  });

  test("stays within bounds however much is due before what it holds", () => {
    const book = emptyBook(100);
    const all = queue(1_000).map((workload, n) => ({ ...workload, dueAt: t0 + 1_000 - n }));
    for (const workload of all) book.record(null, workload);
    const kept = all.filter(({ workloadId }) => book.get(workloadId));
    expect(kept.length).toBeLessThanOrEqual(200);
    expect(book.nextDueAt()).toBe(t0 + 1);
    for (const workload of kept) book.record("PENDING", { ...workload, status: "CANCELLED" });
    expect(book.needsRefill()).toBe(true);
  });

  test("gives a line the room of those that have ended", () => {
    const book = emptyBook(10);
    const pinned = queue(12).map((one, n) => ({ ...one, affinity: { hard_affinity: { worker_id: workerId(n) } } }));
    for (const workload of pinned.slice(0, 2)) book.record(null, workload);
    for (const workload of pinned.slice(0, 2)) book.record("PENDING", { ...workload, status: "CANCELLED" });
    const affinity = { hard_affinity: { worker_id: workerId(3) } };
    const line = pinned.slice(2).map((workload) => ({ ...workload, affinity }));
    for (const workload of line) book.record(null, workload);
    expect(book.heads("default", everything)).toEqual(line);
  });

  test("takes a line as it was read a moment later, with what it thought to be due after that", () => {
    const book = emptyBook(10);
    const all = queue(12);
    const late = newWorkload({ queueRank: -1, dueAt: t0 + 1 });
    for (const workload of [...all, late]) book.record(null, workload);
    for (const workload of all.slice(0, 9)) book.record("PENDING", { ...workload, status: "CANCELLED" });
    const [low] = book.lowLines();
    const rows = [...all.slice(9), late];
    if (low === undefined) throw new Error("the line is low");
    book.refillLines(low.names, namedLines(rows, low.names, low.room, t0 + 1));
    expect(book.heads("default", everything)).toEqual([late, ...all.slice(9)]);
    expect(book.nextDueAt()).toBeNull();
    book.promote(t0 + 1);
    expect(book.heads("default", everything).length).toBe(4);
  });

  test("reads the queue never as of a time before what it took for due", () => {
    const book = emptyBook();
    book.promote(t0 + 10);
    expect([book.readAt(t0), book.readAt(t0 + 20)]).toEqual([t0 + 10, t0 + 20]);
  });

  test("takes more of a line that it has, also while there are lines that it has not", () => {
    const book = emptyBook(2);
    const [first, second, third, again] = ["a", "b", "c", "a"].map((workloadType) => newWorkload({ workloadType }));
    if (!first || !second || !third || !again) throw new Error("four were made");
    for (const workload of [first, second, third]) book.record(null, workload);
    expect(book.isPaged).toBe(true);
    book.record("PENDING", { ...first, status: "CANCELLED" });
    book.record(null, again);
    expect(book.get(again.workloadId)).toEqual(again);
    expect(book.get(third.workloadId)).toBeUndefined();
  });

  test("takes what becomes due behind the edge of its line from Postgres, in its place", () => {
    const book = emptyBook(10);
    const all = queue(12);
    const [late] = queue(1).map((workload) => ({ ...workload, queueRank: 100, dueAt: t0 + 1 }));
    if (late === undefined) throw new Error("one was made");
    for (const workload of [...all, late]) book.record(null, workload);
    book.promote(t0 + 1);
    expect(book.get(late.workloadId)).toBeUndefined();
    expect(book.heads("default", everything)).toEqual(all.slice(0, 10));
  });

  const queue = (count: number) =>
    Array.from({ length: count }, (_, index) => newWorkload({ queueRank: index, createdAt: t0 }));

  test("keeps what is behind the last of a full window in Postgres, and what goes before it in mind", () => {
    const book = emptyBook();
    const all = queue(queueWindowMax + 2);
    for (const workload of all) book.record(null, workload);
    const [beyond] = all.slice(queueWindowMax);
    const urgent = newWorkload({ queueRank: -1 });
    book.record(null, urgent);
    expect(beyond && book.get(beyond.workloadId)).toBeUndefined();
    expect(book.heads("default", 1)).toEqual([urgent]);
    expect(book.queuedCount).toBe(queueWindowMax + 3);
    expect(book.needsRefill()).toBe(false);
    expect(book.isActive("default")).toBe(true);
    expect(book.isActive("other")).toBe(false);
  });

  test("asks for the rest when it runs low, and goes on in order", () => {
    const book = emptyBook();
    const all = queue(queueWindowMax + 2);
    for (const workload of all) book.record(null, workload);
    const done = all.slice(0, queueWindowMax - queueWindowLow + 1);
    for (const workload of done.slice(0, -1)) book.record("PENDING", { ...workload, status: "CANCELLED" });
    expect(book.needsRefill()).toBe(false);
    for (const workload of done.slice(-1)) book.record("PENDING", { ...workload, status: "CANCELLED" });
    expect(book.needsRefill()).toBe(true);
    book.refill(windowOf(all.slice(done.length), queueWindowMax, t0));
    expect(book.heads("default", everything)).toEqual(all.slice(done.length));
    expect(book.queuedCount).toBe(queueWindowLow + 1);
    expect(book.needsRefill()).toBe(false);
  });

  test("keeps to a window of what is due later, too", () => {
    const book = emptyBook();
    const all = queue(queueWindowMax + 1).map((workload, index) => ({ ...workload, dueAt: t0 + index }));
    for (const workload of all) book.record(null, workload);
    const [beyond] = all.slice(-1);
    expect(beyond && book.get(beyond.workloadId)).toBeUndefined();
    expect(book.nextDueAt()).toBe(t0);
    book.promote(t0 + queueWindowMax - queueWindowLow);
    expect(book.needsRefill()).toBe(true);
    book.refill(windowOf(all, queueWindowMax, t0 + queueWindowMax));
    expect(book.heads("default", everything).length).toBe(queueWindowMax);
  });

  test("gives each type its part of the demand, so that none holds up another", () => {
    const book = emptyBook();
    for (const workload of queue(100)) book.record(null, workload);
    for (const workload of queue(3)) book.record(null, { ...workload, workloadType: "sleep", queueRank: 1_000 });
    const heads = book.heads("default", 10);
    expect(heads.filter(({ workloadType }) => workloadType === "sleep").length).toBe(3);
    expect(heads.length).toBe(8);
  });
});

/** Takes the head of each line until nothing comes any more; ends by itself only when nothing is stuck. */
function drain(table: Table, book: Book, size: number): Workload[] {
  const taken: Workload[] = [];
  table.now += everything;
  for (let turn = 0; turn <= table.rows.size * 2; turn += 1) {
    keep(table, book, size);
    for (const pool of pools) {
      const [head] = book.heads(pool, 1);
      if (head === undefined) continue;
      taken.push(head);
      const next: Workload = { ...head, status: "CANCELLED" };
      table.rows.set(head.workloadId, next);
      book.record(head.status, next);
    }
  }
  return taken;
}

function expectHeads(table: Table, book: Book): void {
  const heads = Map.groupBy(
    pools.flatMap((pool) => book.heads(pool, everything)),
    lineKey,
  );
  for (const [key, line] of linesOf(table)) {
    const head = heads.get(key) ?? [];
    expect(head).toEqual(line.slice(0, head.length));
    if (!book.isPaged) expect(head.length).toBeGreaterThan(0);
  }
  for (const key of heads.keys()) expect(linesOf(table).has(key)).toBe(true);
}
