/** Arbitrary small pools, dense in conflicts: few types, tags and workers, so that rules meet each other. */
import fc from "fast-check";
import type { DemandItem } from "../../../functions/domain/demand.ts";
import { ownType } from "../../../functions/domain/fit.ts";
import type { Candidate, Waiting } from "../../../functions/domain/placement.ts";
import type { Affinity } from "../../../schema/affinity.ts";
import { customerId, item, type Pool, worker, workerId } from "./pool-builder.ts";

const workersMax = 6;
const type = fc.constantFrom("noop", "sleep", "shell");
const tags = fc.dictionary(fc.constantFrom("zone", "gpu"), fc.constantFrom("a", "b"), { maxKeys: 2 });
const anyWorker = fc.nat(workersMax).map(workerId);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

/** Leaves out what is undefined, as JSON does. */
const present = <T extends object>(value: T) => JSON.parse(JSON.stringify(value));

const attraction = fc.record({ worker_id: optional(anyWorker), worker_tags: optional(tags) }).map(present);
const repulsion = fc
  .record({ workload_types: optional(fc.array(type, { maxLength: 2 })), worker_tags: optional(tags) })
  .map(present);
const affinity: fc.Arbitrary<Affinity> = fc
  .record({
    hard_affinity: optional(attraction),
    soft_affinity: optional(attraction),
    anti_affinity: optional(repulsion),
  })
  .map(present);
const cores = fc.constantFrom(0.1, 0.5, 1).map((cpu_cores) => ({ cpu_cores }));

const wish: fc.Arbitrary<Partial<DemandItem>> = fc
  .record({
    workloadType: type,
    queueRank: fc.nat(20),
    affinity: optional(affinity),
    lastWorkerId: optional(anyWorker),
    resources: optional(cores),
  })
  .map(present);

/** Of one of the customers that wait, who have numbers from 0. */
const runningType = fc.tuple(fc.nat(2), type).map(([number, name]) => ownType(customerId(number), name));

const candidate = (number: number): fc.Arbitrary<Candidate> =>
  fc
    .record({
      capabilities: fc.uniqueArray(type).map((types) => new Set(types)),
      tags,
      slots: fc.integer({ min: 1, max: 4 }),
      used: fc.nat(4),
      running: fc.dictionary(runningType, fc.nat(1)).map((counts) => new Map(Object.entries(counts))),
      resources: fc.oneof(
        fc.constant({}),
        fc.constantFrom(0.3, 1).map((cpu_cores) => ({ cpu_cores })),
      ),
    })
    .map((given) => worker(number, { ...given, used: Math.min(given.used, given.slots) }));

interface Backlog extends Omit<Waiting, "items" | "customerId"> {
  readonly wishes: readonly Partial<DemandItem>[];
}

const backlog: fc.Arbitrary<Backlog> = fc.record({
  weight: fc.constantFrom(1, 10, 50, 100),
  runningMax: fc.nat(6),
  held: fc.nat(6),
  wishes: fc.array(wish, { maxLength: 8 }),
});

function queueOf(wishes: readonly Partial<DemandItem>[], from: number): DemandItem[] {
  const queue = wishes.map((given, index) => item(from + index, given));
  return queue.sort((a, b) => a.queueRank - b.queueRank);
}

const waitingOf = ({ wishes, ...share }: Backlog, index: number): Waiting => ({
  ...share,
  customerId: customerId(index),
  items: queueOf(wishes, index * 100),
});

export const pool: fc.Arbitrary<Pool> = fc.record({
  waiting: fc.array(backlog, { maxLength: 5 }).map((backlogs) => backlogs.map(waitingOf)),
  candidates: fc
    .integer({ min: 0, max: workersMax })
    .chain((count) => fc.tuple(...Array.from({ length: count }, (_, number) => candidate(number)))),
});
