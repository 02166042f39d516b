/** The contract of what remembers: every verb is one intent, and where it changes something, one statement or one batch. */
import type { Pool } from "../../schema/affinity.ts";
import type { KeyOwner } from "../../schema/api-key.ts";
import type { ListQuery, LogQuery, WorkloadView } from "../../schema/http/workload.ts";
import type { CustomerId, KeyId, WorkerId, WorkloadId } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import type { CheckpointRef } from "../../schema/messages/assignment.ts";
import type { Chunk, ChunkRequest, Registration } from "../../schema/messages/to-coordinator.ts";
import type { LogLine } from "../../schema/messages/worker-events.ts";
import type { WorkerEventType, WorkerStatus } from "../../schema/status.ts";
import type { TierLimits } from "../../schema/tiers.ts";
import type { Customer } from "../domain/customer.ts";
import type { LineName } from "../domain/queue-line.ts";
import type { Change, Submission, Workload } from "../domain/workload.ts";

/** The database could not be reached, or did not say whether it committed: forget what you hold and read again. */
export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

/** The database refused the data itself; the same statement will never pass. */
export class StoreRejected extends Error {
  override readonly name = "StoreRejected";
}

/** `not_leader`: another coordinator has taken a newer epoch; nothing was written. */
export type Written<T> = { kind: "written"; value: T } | { kind: "not_leader" };

export interface Lead {
  readonly customerId: CustomerId;
  readonly epoch: number;
}

/** What a coordinator needs to begin: read after the epoch was taken, so nothing older can still come. */
export interface CustomerState {
  readonly lead: Lead;
  readonly customer: Customer;
  /** All that hold a slot. */
  readonly held: readonly Workload[];
  readonly queue: QueueWindow;
  /** PENDING (due or not) and REDISTRIBUTING. */
  readonly queuedCount: number;
}

/** The first workloads of one line of the queue that are due, by queueRank; at least one, but for a line asked for by name. */
export interface QueueLine {
  readonly ready: readonly Workload[];
  /** More of this line is due than the window holds. */
  readonly more: boolean;
}

/** What is due: the heads of the lines, those that are bound to no worker first. And the first that are due later, by dueAt. */
export interface QueueWindow {
  readonly lines: readonly QueueLine[];
  /** There are lines that are not in this window. */
  readonly linesMore: boolean;
  /** The line after which the next window should go on; null: at the beginning. */
  readonly nextPage: LineName | null;
  readonly delayed: readonly Workload[];
  readonly delayedMore: boolean;
}

/** Submissions of one request: all or none, under one idempotency key. */
export interface SubmissionGroup {
  readonly submissions: readonly Submission[];
  readonly idempotency: { readonly key: string; readonly bodySha256: string } | null;
}

export interface Submitted {
  readonly workloadId: WorkloadId;
  readonly createdAt: number;
  readonly runAt: number | null;
}

/** In the order of the groups. `replayed`: the same request came before; `conflict`: the key, with another body. */
export type GroupOutcome =
  | { kind: "created" }
  | { kind: "replayed"; submitted: readonly Submitted[] }
  | { kind: "conflict" }
  /** Never answered by a store, which throws StoreRejected; a coordinator says it of the one group that cannot be stored. */
  | { kind: "rejected" };

/** Lines of one attempt, stored only while its generation is current (or ended with it). */
export interface LogBatch {
  readonly workloadId: WorkloadId;
  readonly generation: number;
  readonly lines: readonly LogLine[];
}

/** What the row of a workload that became SCHEDULED gives to its assignment. */
export interface Scheduled {
  readonly workloadId: WorkloadId;
  readonly input: Json;
  readonly checkpoint: CheckpointRef | null;
}

export interface Applied {
  /** Changes whose row was no longer as decided on: nothing of them was written. */
  readonly missed: readonly WorkloadId[];
  readonly scheduled: readonly Scheduled[];
  /** Checkpoints that were not taken: chunks missing or the hash differs. The rest of the change was written. */
  readonly brokenCheckpoints: readonly { workloadId: WorkloadId; sequence: number }[];
}

/** Written by one customer's coordinator only. */
export interface CustomerStore {
  /**
   * Takes the next epoch and reads the state; null: no such customer. `windowMax` bounds three parts of the window, each
   * for itself: workloads bound to no worker, those that are, and those that are due later.
   */
  lead(customerId: CustomerId, windowMax: number, now: number): Promise<CustomerState | null>;
  /** `page`: what an earlier window gave as the next; the first lines of all are in every window. */
  window(customerId: CustomerId, windowMax: number, now: number, page?: LineName | null): Promise<QueueWindow>;
  /** These lines alone, at most `room` workloads of each; a line in which nothing is due is missing. */
  lines(customerId: CustomerId, names: readonly LineName[], room: number, now: number): Promise<readonly QueueLine[]>;
  /** Decision records of workloads in any status, in no order; unknown ids are missing. */
  find(customerId: CustomerId, ids: readonly WorkloadId[]): Promise<readonly Workload[]>;
  insert(lead: Lead, groups: readonly SubmissionGroup[], now: number): Promise<Written<readonly GroupOutcome[]>>;
  /** What this key stands for already; null: for nothing, or no more. */
  submittedUnder(
    customerId: CustomerId,
    idempotency: NonNullable<SubmissionGroup["idempotency"]>,
    now: number,
  ): Promise<Extract<GroupOutcome, { kind: "replayed" | "conflict" }> | null>;
  /** Log lines, then changes with their audit rows and checkpoints: one batch, all or nothing but for `missed`. */
  apply(lead: Lead, changes: readonly Change[], logs: readonly LogBatch[], now: number): Promise<Written<Applied>>;
  /** Stores bytes of a checkpoint that is not announced yet; `fenced` when the generation or worker is not current. */
  putChunk(lead: Lead, chunk: Chunk): Promise<Written<"stored" | "fenced">>;
  /** Bytes of a complete checkpoint, for the worker that holds the current generation and nobody else. */
  getChunk(request: ChunkRequest): Promise<Uint8Array | "fenced" | "unknown">;
}

export interface WorkerRecord extends Pick<Registration, "capabilities" | "slots" | "tags" | "version"> {
  readonly workerId: WorkerId;
  readonly pool: Pool;
  readonly status: WorkerStatus;
}

/** Written by one pool's scheduler only. */
export interface PoolStore {
  /** Takes the pool's next epoch. */
  leadPool(pool: Pool): Promise<number>;
  /** Customers with workloads in this pool that are not terminal; asked once, when the pool's own memory is new. */
  customersWithWork(pool: Pool): Promise<readonly CustomerId[]>;
  /** The workers' rows and their audit events (null: none), in one statement. */
  putWorkers(
    pool: Pool,
    epoch: number,
    changes: readonly { worker: WorkerRecord; event: WorkerEventType | null; details: Json }[],
    now: number,
  ): Promise<Written<null>>;
}

export interface KeyRecord {
  readonly keyId: KeyId;
  readonly customerId: CustomerId;
  readonly scopes: readonly string[];
  readonly expiresAt: number | null;
  readonly suspended: boolean;
  /** The customer's own: tier defaults with its overrides. */
  readonly limits: TierLimits;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly hasMore: boolean;
  readonly nextCursor: string | null;
  readonly total?: number;
}

export interface AuditView {
  readonly event_id: string;
  readonly event_type: string;
  readonly timestamp: string;
  readonly actor_type: string;
  readonly actor_id: string;
  readonly generation: number;
  readonly details: Json;
}

export interface LogView {
  readonly timestamp: string;
  readonly level: string;
  readonly message: string;
  readonly generation: number;
  readonly details: Json;
}

/** What the API reads by itself, always under one customer. `bad_cursor`: the cursor is not one of ours. */
export interface ReadStore {
  workload(customerId: CustomerId, id: WorkloadId): Promise<WorkloadView | null>;
  list(customerId: CustomerId, query: ListQuery): Promise<Page<WorkloadView> | "bad_cursor">;
  /** Null: no such workload of this customer. */
  audit(customerId: CustomerId, id: WorkloadId): Promise<readonly AuditView[] | null>;
  logs(customerId: CustomerId, id: WorkloadId, query: LogQuery): Promise<Page<LogView> | "bad_cursor" | null>;
  /** Of a key that is neither revoked nor expired. */
  key(owner: Extract<KeyOwner, { kind: "customer" }>, keyHash: string, now: number): Promise<KeyRecord | null>;
  /** Throws StoreUnavailable when the database does not answer. */
  ping(): Promise<void>;
}

export type StateStore = CustomerStore & PoolStore & ReadStore;
