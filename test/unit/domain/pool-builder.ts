/** Builds small pools for placement tests: workers, customers and their waiting workloads, by number. */

import type { DemandItem } from "../../../functions/domain/demand.ts";
import type { Candidate, Waiting } from "../../../functions/domain/placement.ts";
import {
  type CustomerId,
  customerIdSchema,
  type WorkerId,
  type WorkloadId,
  workerIdSchema,
  workloadIdSchema,
} from "../../../schema/ids.ts";

const ulidLength = 26;
const ulid = (number: number): string => String(number).padStart(ulidLength, "0");
export const workerId = (number: number): WorkerId => workerIdSchema.parse(`wkr_${ulid(number)}`);
export const workloadId = (number: number): WorkloadId => workloadIdSchema.parse(`wl_${ulid(number)}`);
export const customerId = (number: number): CustomerId => customerIdSchema.parse(`cust_${ulid(number)}`);

export interface Pool {
  readonly waiting: Waiting[];
  readonly candidates: Candidate[];
}

/** A worker of one slot that runs `noop`. */
export const worker = (number: number, given: Partial<Candidate> = {}): Candidate => ({
  workerId: workerId(number),
  capabilities: new Set(["noop"]),
  tags: {},
  slots: 1,
  used: 0,
  running: new Map(),
  resources: {},
  resourcesUsed: { cpu_cores: 0, memory_mb: 0, disk_mb: 0 },
  ...given,
});

/** A `noop` whose rank is its number. */
export const item = (number: number, given: Partial<DemandItem> = {}): DemandItem => ({
  workloadId: workloadId(number),
  workloadType: "noop",
  queueRank: number,
  ...given,
});

/** `count` plain items whose numbers start at `from`. */
export const items = (from: number, count: number): DemandItem[] =>
  Array.from({ length: count }, (_, index) => item(from + index));

export const customer = (number: number, given: Partial<Waiting> = {}): Waiting => ({
  customerId: customerId(number),
  weight: 1,
  runningMax: 1_000,
  held: 0,
  items: [],
  ...given,
});

/** A pass changes the pool it is given; this keeps the one before it. */
export const copyOf = ({ waiting, candidates }: Pool): Pool => structuredClone({ waiting, candidates });
