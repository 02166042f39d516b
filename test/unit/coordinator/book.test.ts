/** The book against a naive recount, and at the edges of its window. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Book } from "../../../functions/coordinator/book.ts";
import type { Workload } from "../../../functions/domain/workload.ts";
import { windowOf } from "../../../functions/store/memory/queue.ts";
import { queueWindowLow, queueWindowMax } from "../../../schema/limits.ts";
import { isHeld, isQueued, isTerminal } from "../../../schema/status.ts";
import { newWorkload, t0 } from "../../support/records.ts";
import { workerId } from "../domain/pool-builder.ts";

const pools = ["default", "other"];
const types = ["noop", "sleep"];
const noWindow = { ready: [], delayed: [], readyMore: false, delayedMore: false };
const emptyBook = () => new Book({ held: [], queue: noWindow, queuedCount: 0 });
const everything = 100_000;

const byRank = (a: Workload, b: Workload) => a.queueRank - b.queueRank || (a.workloadId < b.workloadId ? -1 : 1);

/** Postgres, as far as a book knows it. */
class Table {
  readonly rows = new Map<string, Workload>();
  now = t0;

  get all(): Workload[] {
    return [...this.rows.values()];
  }

  /** `due` at which the book was last told what is due: what is due since still counts as delayed there. */
  ready(pool: string, type: string, due: number): Workload[] {
    return this.all
      .filter((one) => one.pool === pool && one.workloadType === type && isQueued(one.status))
      .filter(({ dueAt }) => dueAt === null || dueAt <= due)
      .sort(byRank);
  }

  count(matches: (status: Workload["status"]) => boolean): number {
    return this.all.filter(({ status }) => matches(status)).length;
  }
}

type Operation =
  | { do: "submit"; pool: number; type: number; rank: number; delay: number }
  | { do: "place" | "requeue" | "put off" | "end"; which: number }
  | { do: "promote"; after: number };

const which = fc.nat({ max: 200 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("submit" as const),
      pool: fc.integer({ min: 0, max: 1 }),
      type: fc.integer({ min: 0, max: 1 }),
      rank: fc.integer({ min: 0, max: 20 }),
      delay: fc.constantFrom(0, 0, 5, 10),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("place", "requeue", "put off", "end"), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("promote" as const), after: fc.integer({ min: 0, max: 12 }) }) },
);

/** The step that the operation makes of one of the rows, or null where it makes none. */
function stepOf(table: Table, one: Exclude<Operation, { do: "promote" | "submit" }>): [Workload, Workload] | null {
  const matches = one.do === "requeue" || one.do === "put off" ? isHeld : one.do === "place" ? isQueued : isOpen;
  const candidates = table.all.filter(({ status }) => matches(status));
  const from = candidates[one.which % Math.max(1, candidates.length)];
  if (from === undefined) return null;
  if (one.do === "place") return [from, { ...from, status: "SCHEDULED", workerId: workerId(1) }];
  if (one.do === "requeue") return [from, { ...from, status: "REDISTRIBUTING", workerId: null, dueAt: null }];
  if (one.do === "put off") return [from, { ...from, status: "PENDING", workerId: null, dueAt: table.now + 5 }];
  return [from, { ...from, status: "CANCELLED", workerId: null }];
}
const isOpen = (status: Workload["status"]) => !isTerminal(status);

function operate(table: Table, book: Book, one: Operation): void {
  if (one.do === "promote") {
    table.now += one.after;
    book.promote(table.now);
    return;
  }
  if (one.do !== "submit") {
    const step = stepOf(table, one);
    if (step === null) return;
    const [from, next] = step;
    table.rows.set(next.workloadId, next);
    book.record(from.status, next);
    return;
  }
  const workload = newWorkload({
    pool: pools[one.pool] ?? "default",
    workloadType: types[one.type] ?? "noop",
    queueRank: one.rank,
    dueAt: one.delay === 0 ? null : table.now + one.delay,
  });
  table.rows.set(workload.workloadId, workload);
  book.record(null, workload);
}

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
        const book = emptyBook();
        for (const one of operations) operate(table, book, one);
        book.refill(windowOf(table.all, size, table.now));
        for (const one of operations) operate(table, book, one);
        const taken = drain(table, book, size);
        expect(table.count(isQueued)).toBe(0);
        expect(book.queuedCount).toBe(0);
        for (const line of Object.values(Object.groupBy(taken, (one) => `${one.pool}/${one.workloadType}`))) {
          expect(line).toEqual([...(line ?? [])].sort(byRank));
        }
      }),
    );
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
    expect(book.isActive("other")).toBe(true);
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
    book.promote(table.now);
    if (book.needsRefill()) book.refill(windowOf(table.all, size, table.now));
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
