/** Times one scheduling pass of the pure core, at the sizes of SPEC §14; prints medians in milliseconds as JSON. */

import type { DemandItem } from "../../functions/domain/demand.ts";
import { type Candidate, placeAll, type Waiting } from "../../functions/domain/placement.ts";
import type { Affinity } from "../../schema/affinity.ts";
import {
  type CustomerId,
  customerIdSchema,
  type WorkerId,
  workerIdSchema,
  workloadIdSchema,
} from "../../schema/ids.ts";
import { demandItemsMax } from "../../schema/limits.ts";

const runs = 9;
/** Passes before those that count, until the engine has compiled the code. */
const warmUps = 9;
const ulidLength = 26;
const types = 10;
const zones = 5;
const racks = 20;

interface Pool {
  readonly waiting: Waiting[];
  readonly candidates: Candidate[];
}

const ulid = (number: number): string => String(number).padStart(ulidLength, "0");
const workerId = (number: number): WorkerId => workerIdSchema.parse(`wkr_${ulid(number)}`);
const customerId = (number: number): CustomerId => customerIdSchema.parse(`cust_${ulid(number)}`);
const typeName = (number: number): string => `type-${number % types}`;
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const allTypes = new Set(numbers(types).map(typeName));
const worker = (number: number, slots: number): Candidate => ({
  workerId: workerId(number),
  capabilities: allTypes,
  tags: { zone: `zone-${number % zones}`, rack: `rack-${number % racks}`, disk: number % 2 ? "ssd" : "hdd" },
  slots,
  used: 0,
  running: new Map(),
  resources: {},
  resourcesUsed: { cpu_cores: 0, memory_mb: 0, disk_mb: 0 },
});

/** A hard tag, a wish for a worker and a tag, and a type to keep away from: something of each rule. */
const affinity = (number: number, workers: number): Affinity => ({
  hard_affinity: { worker_tags: { zone: `zone-${number % zones}` } },
  soft_affinity: {
    worker_id: workerId((number * 7) % workers),
    worker_tags: { rack: `rack-${(number * 3) % racks}`, disk: "ssd" },
  },
  anti_affinity: { workload_types: [`type-${types + (number % 3)}`], worker_tags: { retired: "yes" } },
});

/** As above, and no two alike: nothing that was found for one helps the next. */
const ownAffinity = (number: number, workers: number): Affinity => ({
  ...affinity(number, workers),
  soft_affinity: { worker_tags: { rack: `rack-${number % racks}`, data: `set-${number}` } },
});

const item = (number: number, given: Partial<DemandItem> = {}): DemandItem => ({
  workloadId: workloadIdSchema.parse(`wl_${ulid(number)}`),
  workloadType: typeName(number),
  queueRank: number,
  ...given,
});

const weights = [1, 10, 50, 100];
const customer = (number: number, items: readonly DemandItem[]): Waiting => ({
  customerId: customerId(number),
  weight: weights[number % weights.length] ?? 1,
  runningMax: demandItemsMax * weights.length,
  held: 0,
  items,
});

/** `customers` with `each` workloads, numbered so that those of different customers interleave. */
function queues(customers: number, each: number, make: (number: number) => DemandItem): Waiting[] {
  if (each > demandItemsMax) throw new RangeError(`a demand holds at most ${demandItemsMax} items`);
  return numbers(customers).map((index) =>
    customer(
      index,
      numbers(each).map((place) => make(place * customers + index)),
    ),
  );
}

const fleet = (workers: number, slots: number): Candidate[] => numbers(workers).map((number) => worker(number, slots));

/** A pass fills what it is given, so every run gets the pool as it was. */
function fresh({ waiting, candidates }: Pool): Pool {
  return {
    waiting: waiting.map((one) => ({ ...one })),
    candidates: candidates.map((one) => ({ ...one, running: new Map(), resourcesUsed: { ...one.resourcesUsed } })),
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000;

function timed(pool: Pool): { placed: number; ms: number } {
  const { waiting, candidates } = fresh(pool);
  const start = performance.now();
  const placed = placeAll(waiting, candidates).length;
  return { placed, ms: performance.now() - start };
}

/** `cold_ms` is the first pass of the case; a scheduler that has run for a while sees the median. */
function measure(pool: Pool): { placed: number; cold_ms: number; median_ms: number; worst_ms: number } {
  const { placed, ms } = timed(pool);
  for (let run = 0; run < warmUps; run += 1) timed(pool);
  const times = numbers(runs).map(() => timed(pool).ms);
  return { placed, cold_ms: rounded(ms), median_ms: rounded(median(times)), worst_ms: rounded(Math.max(...times)) };
}

const cases: Readonly<Record<string, () => Pool>> = {
  "10,000 pending, 500 workers, affinity on all": () => ({
    waiting: queues(20, 500, (number) => item(number, { affinity: affinity(number, 500) })),
    candidates: fleet(500, 20),
  }),
  "10,000 pending, 500 workers, every affinity different": () => ({
    waiting: queues(20, 500, (number) => item(number, { affinity: ownAffinity(number, 500) })),
    candidates: fleet(500, 20),
  }),
  "500 pending of one customer, 10 workers of 1,000 slots": () => ({
    waiting: queues(1, 500, (number) => item(number)),
    candidates: fleet(10, 1_000),
  }),
  "1,000,000 pending, 10,000 customers, 5,000 workers": () => ({
    waiting: queues(10_000, 100, (number) => item(number)),
    candidates: fleet(5_000, 20),
  }),
  "1,000,000 pending, 10,000 customers, 5,000 workers, 10 slots free": () => ({
    waiting: queues(10_000, 100, (number) => item(number)),
    candidates: fleet(5_000, 20).map((one, index) => ({ ...one, used: index < 10 ? 19 : 20 })),
  }),
  "1,000,000 pending that fit nowhere, 10,000 customers, 5,000 workers": () => ({
    waiting: queues(10_000, 100, (number) => item(number, { workloadType: "unknown" })),
    candidates: fleet(5_000, 20),
  }),
};

const results = Object.entries(cases).map(([name, build]) => ({ case: name, ...measure(build()) }));
console.log(JSON.stringify({ bench: "scheduling", node: process.version, runs, results }, null, 2));
