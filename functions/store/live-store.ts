/** The contract of what live updates read: always of one customer, in the order of its changes. */
import type { LiveWorkload } from "../../schema/http/live.ts";
import type { CustomerId, WorkloadId } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import type { LiveEvent, LivePlace, WorkloadNews, WorkloadPlace } from "../domain/live.ts";

/** All of one moment: what is not in the workload's state yet comes after the place. */
export interface LiveStart {
  readonly place: LivePlace;
  /** Null: the stream is about all workloads of the customer. */
  readonly workload: LiveWorkload | null;
  /** Of the customer. */
  readonly suspended: boolean;
  /** When the key that asks ends, or has ended; milliseconds. Null: never, or it is no key. */
  readonly keyEndsAt: number | null;
}

export interface LiveStore {
  /** Where a stream that begins now begins; `workloadId` null: of all workloads. Null: no such customer, or no such workload of it. */
  liveStart(customerId: CustomerId, workloadId: WorkloadId | null, principalId: string): Promise<LiveStart | null>;
  /** When each of these ends, or has ended, in milliseconds; missing: it never ends, or is no key. */
  keyEnds(customerId: CustomerId, principalIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Events of all workloads after this one, in order, at most `limit`. */
  eventsAfter(customerId: CustomerId, eventId: number, limit: number): Promise<readonly LiveEvent[]>;
  /** One answer for each place, in their order: at most `limit` events and at most `limit` lines. */
  newsAfter(customerId: CustomerId, places: readonly WorkloadPlace[], limit: number): Promise<readonly WorkloadNews[]>;
  /** What workloads that are COMPLETED have as their result; unknown ids are missing. */
  results(customerId: CustomerId, ids: readonly WorkloadId[]): Promise<ReadonlyMap<WorkloadId, Json>>;
}
