/** The contract of what remembers: every verb is one intent, and where it changes something, one statement or one batch. */
import type { Pool } from "../../schema/affinity.ts";
import type { KeyOwner } from "../../schema/api-key.ts";
import type { AttemptQuery, AttemptView, CheckpointView } from "../../schema/http/attempt.ts";
import type { AuditQuery, ListQuery, LogQuery, WorkloadView } from "../../schema/http/workload.ts";
import type { CustomerId, KeyId, WorkerId, WorkloadId } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import type { CheckpointRef } from "../../schema/messages/assignment.ts";
import type { Chunk, ChunkRequest, Registration } from "../../schema/messages/to-coordinator.ts";
import type { LogLine } from "../../schema/messages/worker-events.ts";
import type {
  ActorType,
  LogLevel,
  WorkerEventType,
  WorkerStatus,
  WorkloadEventType,
  WorkloadStatus,
} from "../../schema/status.ts";
import type { TierLimits } from "../../schema/tiers.ts";
import type { Accepted } from "../domain/admission.ts";
import type { Customer } from "../domain/customer.ts";
import type { Recorded } from "../domain/explain.ts";
import type { LineName } from "../domain/queue-line.ts";
import type { Change, Intent, Submission, Workload } from "../domain/workload.ts";
import type { Directory } from "./directory.ts";
import type { LiveStore } from "./live-store.ts";

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
  /** What the bucket of submissions is known by. */
  readonly accepted: Accepted;
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

/** What a client calls its request, and the hash of what it asked. */
export interface IdempotencyKey {
  readonly key: string;
  readonly bodySha256: string;
}

/** The answer to a request, to be given again to the same request. */
export interface Remembered extends IdempotencyKey {
  readonly reply: Json;
}

/** Submissions of one request: all or none, under one idempotency key. */
export interface SubmissionGroup {
  readonly submissions: readonly Submission[];
  /** With a reply where the request was another than a plain submission. */
  readonly idempotency: (IdempotencyKey & { readonly reply?: Json }) | null;
}

/** Which workloads of a customer are meant; what is not named does not matter. Times in milliseconds. */
export interface WorkloadFilter {
  readonly statuses?: readonly WorkloadStatus[];
  readonly workloadType?: string;
  /** `name:value`, or `name` alone for any value; all must hold. */
  readonly labels?: readonly string[];
  readonly createdAfter?: number;
  readonly createdBefore?: number;
}

/** Of the statuses in which something can be done, without those for which it is on its way, or was done, already. */
export interface Selection extends WorkloadFilter {
  readonly statuses: readonly WorkloadStatus[];
  readonly notIntended?: Intent["kind"];
  /** Without those that another workload is a retry of. */
  readonly notRetried?: boolean;
  /** Of one of these types, in one of these pools. */
  readonly types?: readonly string[];
  readonly pools?: readonly Pool[];
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

/** fenced: not held by this worker now. refused: its number is not the next, or chunks of a later one are there. */
export type ChunkOutcome = "stored" | "fenced" | "refused";

export interface Applied {
  /** Changes whose row was no longer as decided on: nothing of them was written. */
  readonly missed: readonly WorkloadId[];
  readonly scheduled: readonly Scheduled[];
  /** Checkpoints that were not taken: chunks missing or the hash differs. The rest of the change was written. */
  readonly brokenCheckpoints: readonly { workloadId: WorkloadId; sequence: number }[];
}

/** A place in the queue, and the line that it is in. */
export type Place = LineName & Pick<Workload, "queueRank" | "workloadId">;

/** How many of a customer's workloads are due and stand before a place: of all, and of those in the same line. */
export interface Ahead {
  readonly inAll: number;
  readonly inLine: number;
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
  /** Decision records of what matches, newest first, at most `max`. */
  select(customerId: CustomerId, selection: Selection, max: number): Promise<readonly Workload[]>;
  insert(lead: Lead, groups: readonly SubmissionGroup[], now: number): Promise<Written<readonly GroupOutcome[]>>;
  /** What this key stands for already; null: for nothing, or no more. */
  submittedUnder(
    customerId: CustomerId,
    idempotency: IdempotencyKey,
    now: number,
  ): Promise<Extract<GroupOutcome, { kind: "replayed" | "conflict" }> | null>;
  /** The answer that was given under this key; conflict: the key, with another request. Null: for nothing, or no more. */
  replyUnder(
    customerId: CustomerId,
    idempotency: IdempotencyKey,
    now: number,
  ): Promise<{ kind: "replayed"; reply: Json } | { kind: "conflict" } | null>;
  /**
   * Log lines, then changes with their audit rows and checkpoints, and what is to be remembered: one batch, all or nothing
   * but for `missed`.
   */
  apply(
    lead: Lead,
    changes: readonly Change[],
    logs: readonly LogBatch[],
    now: number,
    remember?: Remembered | null,
  ): Promise<Written<Applied>>;
  ahead(customerId: CustomerId, place: Place, now: number): Promise<Ahead>;
  /** The newest audit event of that type. */
  lastEvent(customerId: CustomerId, id: WorkloadId, eventType: WorkloadEventType): Promise<Recorded | null>;
  /** Stores bytes of a checkpoint that is not announced yet; `fenced` when the generation or worker is not current. */
  putChunk(lead: Lead, chunk: Chunk): Promise<Written<ChunkOutcome>>;
  /** Bytes of a complete checkpoint, for the worker that holds the current generation and nobody else. */
  getChunk(request: ChunkRequest): Promise<Uint8Array | "fenced" | "unknown">;
}

export interface WorkerRecord extends Pick<Registration, "capabilities" | "slots" | "tags" | "version"> {
  readonly workerId: WorkerId;
  readonly pool: Pool;
  readonly status: WorkerStatus;
}

/** A worker as its row says; times in milliseconds. */
export interface StoredWorker extends WorkerRecord {
  readonly registeredAt: number;
  /** When its status changed last. */
  readonly updatedAt: number;
}

/** Which workers are meant; what is not named does not matter. Newest id first, at most `limit`. */
export interface WorkerSelection {
  readonly ids?: readonly WorkerId[];
  readonly pool?: Pool;
  readonly statuses?: readonly WorkerStatus[];
  /** Ids that are smaller than this one. */
  readonly before?: WorkerId;
  readonly except?: readonly WorkerId[];
  readonly limit: number;
}

/** Written by one pool's scheduler only. */
export interface PoolStore {
  /** Takes the pool's next epoch. */
  leadPool(pool: Pool): Promise<number>;
  /** Customers with workloads in this pool that are not terminal; asked once, when the pool's own memory is new. */
  customersWithWork(pool: Pool): Promise<readonly CustomerId[]>;
  /** Those of them that exist. */
  known(customerIds: readonly CustomerId[]): Promise<readonly CustomerId[]>;
  /** The workers' rows and their audit events (null: none), in one statement. */
  putWorkers(
    pool: Pool,
    epoch: number,
    changes: readonly { worker: WorkerRecord; event: WorkerEventType | null; details: Json }[],
    now: number,
  ): Promise<Written<null>>;
}

export interface CallerRecord {
  readonly customerId: CustomerId;
  readonly suspended: boolean;
  /** The customer's own: tier defaults with its overrides. */
  readonly limits: TierLimits;
}

export interface KeyRecord extends CallerRecord {
  readonly keyId: KeyId;
  readonly scopes: readonly string[];
  readonly expiresAt: number | null;
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
  readonly actor_type: ActorType;
  readonly actor_id: string;
  readonly generation: number;
  readonly details: Json;
}

export interface LogView {
  readonly timestamp: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly generation: number;
  readonly details: Json;
}

/** What the API reads by itself, always under one customer. `bad_cursor`: the cursor is not one of ours. */
export interface ReadStore extends Pick<CustomerStore, "lastEvent"> {
  workload(customerId: CustomerId, id: WorkloadId): Promise<WorkloadView | null>;
  list(customerId: CustomerId, query: ListQuery): Promise<Page<WorkloadView> | "bad_cursor">;
  /** Oldest first. Null: no such workload of this customer. */
  audit(customerId: CustomerId, id: WorkloadId, query: AuditQuery): Promise<Page<AuditView> | "bad_cursor" | null>;
  /** As they follow from the audit trail, oldest first. Null: no such workload of this customer. */
  attempts(
    customerId: CustomerId,
    id: WorkloadId,
    query: AttemptQuery,
  ): Promise<Page<AttemptView> | "bad_cursor" | null>;
  /** Complete ones, newest first. Null: no such workload of this customer. */
  checkpoints(customerId: CustomerId, id: WorkloadId): Promise<readonly CheckpointView[] | null>;
  /** Of all pools, and of no customer. */
  workers(selection: WorkerSelection): Promise<readonly StoredWorker[]>;
  logs(customerId: CustomerId, id: WorkloadId, query: LogQuery): Promise<Page<LogView> | "bad_cursor" | null>;
  /** A customer, as who asks for it; null: there is none. */
  caller(customerId: CustomerId): Promise<CallerRecord | null>;
  /** Of a key that is neither revoked nor expired. */
  key(owner: Extract<KeyOwner, { kind: "customer" }>, keyHash: string, now: number): Promise<KeyRecord | null>;
  /** That this key was in use at that time, unless a later one is known. */
  touchKey(customerId: CustomerId, keyId: KeyId, at: number): Promise<void>;
  /** Throws StoreUnavailable when the database does not answer. */
  ping(): Promise<void>;
}

export type StateStore = CustomerStore & PoolStore & ReadStore & LiveStore & Directory;
