/** A table of workloads as a book should know it, and what happens to both: the naive model. */
import fc from "fast-check";
import type { Book } from "../../../functions/coordinator/book.ts";
import { lineKey } from "../../../functions/domain/queue-line.ts";
import type { Workload } from "../../../functions/domain/workload.ts";
import { namedLines, windowOf } from "../../../functions/store/memory/queue.ts";
import type { Affinity } from "../../../schema/affinity.ts";
import { queueLinesTurnSeconds } from "../../../schema/limits.ts";
import { isHeld, isQueued, isTerminal } from "../../../schema/status.ts";
import { newWorkload, t0 } from "../../support/records.ts";
import { workerId } from "../domain/pool-builder.ts";

export const pools = ["default", "other"];
export const types = ["noop", "sleep"];
export const turnMs = queueLinesTurnSeconds * 1_000;
const affinities: readonly (Affinity | null)[] = [
  null,
  { soft_affinity: { worker_id: workerId(1) } },
  { hard_affinity: { worker_id: workerId(1) } },
  { anti_affinity: { workload_types: ["noop"] } },
];

export const byRank = (a: Workload, b: Workload) => a.queueRank - b.queueRank || (a.workloadId < b.workloadId ? -1 : 1);

/** Postgres, as far as a book knows it. */
export class Table {
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
  | { do: "submit"; pool: number; type: number; affinity: number; rank: number; delay: number }
  | { do: "place" | "requeue" | "put off" | "end"; which: number }
  | { do: "promote"; after: number };

const which = fc.nat({ max: 200 });
export const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("submit" as const),
      pool: fc.integer({ min: 0, max: 1 }),
      type: fc.integer({ min: 0, max: 1 }),
      affinity: fc.integer({ min: 0, max: 3 }),
      rank: fc.integer({ min: 0, max: 20 }),
      delay: fc.constantFrom(0, 0, 5, 10),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("place", "requeue", "put off", "end"), which }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("promote" as const),
      after: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constant(turnMs)),
    }),
  },
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
export const isOpen = (status: Workload["status"]) => !isTerminal(status);

export function operate(table: Table, book: Book, one: Operation): void {
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
    affinity: affinities[one.affinity] ?? null,
    queueRank: one.rank,
    dueAt: one.delay === 0 ? null : table.now + one.delay,
  });
  table.rows.set(workload.workloadId, workload);
  book.record(null, workload);
}

/** What a coordinator does with its time: `refillWindow` of timers.ts, on the table. */
export function keep(table: Table, book: Book, size: number): void {
  book.promote(table.now);
  const now = book.readAt(table.now);
  if (book.needsWindow()) book.refill(windowOf(table.all, size, now, book.page));
  for (const { names, room } of book.lowLines()) book.refillLines(names, namedLines(table.all, names, room, now));
}

/** All that is due, by lines. */
export const linesOf = (table: Table): Map<string, Workload[]> =>
  Map.groupBy(
    pools.flatMap((pool) => types.flatMap((type) => table.ready(pool, type, table.now))),
    lineKey,
  );
