/** What the API may ask of a customer's coordinator; the Durable Object implements it, `compose.ts` binds it. */

import type { Affinity, Pool } from "../../schema/affinity.ts";
import type { UsageView } from "../../schema/http/customer.ts";
import type { ExplanationView } from "../../schema/http/explain.ts";
import type { SubmitBody } from "../../schema/http/submit.ts";
import type { WorkerId, WorkloadId } from "../../schema/ids.ts";
import type { WorkloadStatus } from "../../schema/status.ts";
import type { ChangeKind, DirectoryChange, DirectoryReplies } from "../domain/directory-change.ts";
import type { FleetPage, FleetQuery } from "../domain/fleet-page.ts";
import type { Refusal } from "../domain/refusal.ts";
import type { Actor } from "../domain/workload.ts";
import type { IdempotencyKey, WorkerRecord, WorkloadFilter } from "../store/store.ts";
import type { Watch } from "./watch.ts";

export type { WorkerRecord, WorkloadFilter } from "../store/store.ts";

export interface SubmitRequest {
  readonly bodies: readonly SubmitBody[];
  readonly idempotency: IdempotencyKey | null;
  readonly actor: Actor;
  readonly traceparent: string | null;
}

/** Times in milliseconds since the epoch. */
export interface SubmittedWorkload {
  readonly workloadId: WorkloadId;
  readonly createdAt: number;
  readonly estimatedStartAt: number | null;
}

/** The bucket a request was counted in, for the X-RateLimit headers; limit null: no rate limit. */
export interface RateState {
  readonly limit: number | null;
  readonly remaining: number;
  /** Seconds until the bucket is full again. */
  readonly resetSeconds: number;
}

/** Serialisable as it is: it crosses an RPC border. */
export type Answer<T> = ({ ok: true; value: T } | { ok: false; refusal: Refusal }) & {
  readonly rate: RateState | null;
};

export type Action =
  | { readonly kind: "cancel"; readonly reason: string | null }
  | { readonly kind: "pause"; readonly reason: string | null }
  | { readonly kind: "resume" }
  /** What is not named stays as it is. */
  | { readonly kind: "move"; readonly pool?: Pool; readonly affinity?: Affinity | null }
  | { readonly kind: "retry"; readonly fromCheckpoint: boolean };

/** Some workloads by name, or the newest `max` of those that match and with which something can be done. */
export type Targets =
  | { readonly ids: readonly WorkloadId[] }
  | { readonly filter: WorkloadFilter; readonly max: number };

export interface OperateRequest {
  readonly action: Action;
  readonly targets: Targets;
  readonly actor: Actor;
  readonly idempotency: IdempotencyKey | null;
}

/** done: changed. pending: under way, a running workload lets go first. unchanged: it was so already. */
export type Operation =
  | {
      readonly workloadId: WorkloadId;
      readonly outcome: "done" | "pending" | "unchanged";
      readonly status: WorkloadStatus;
      readonly generation: number;
      /** The new workload of a retry. */
      readonly retryId?: WorkloadId;
    }
  | { readonly workloadId: WorkloadId; readonly outcome: "refused"; readonly refusal: Refusal };

export interface Operated {
  readonly operations: readonly Operation[];
  /** More match the filter. */
  readonly hasMore: boolean;
}

export interface DirectRequest<K extends ChangeKind> {
  readonly change: DirectoryChange<K>;
  readonly actor: Actor;
  /** For the operator a suspended customer can be changed too. */
  readonly byOperator: boolean;
  readonly idempotency: IdempotencyKey | null;
}

export interface Directed<K extends ChangeKind> {
  readonly reply: DirectoryReplies[K];
}

/** Where the Worker says who watches what; a client cannot set it. */
export const watchHeader = "x-niyanta-watch";

/** `ended`: the stream has told all there is, and there will be no more. */
export type Watched =
  | { readonly kind: "watching"; readonly response: Response }
  | { readonly kind: "ended" | "bad_cursor" }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export interface CoordinatorGateway {
  submit(customerId: string, request: SubmitRequest): Promise<Answer<readonly SubmittedWorkload[]>>;
  /** Refused as a whole only where nothing at all could be done; what is refused of one workload is in its operation. */
  operate(customerId: string, request: OperateRequest): Promise<Answer<Operated>>;
  /** Its status as soon as no worker is to let go of it any more, or after `ms`; null: there is no such workload. */
  settled(customerId: string, workloadId: WorkloadId, ms: number): Promise<Answer<WorkloadStatus | null>>;
  /** Why it is in the state that it is in. */
  explain(customerId: string, workloadId: WorkloadId): Promise<Answer<ExplanationView>>;
  /** Changes the customer's terms, workload types or keys. */
  direct<K extends ChangeKind>(customerId: string, request: DirectRequest<K>): Promise<Answer<Directed<K>>>;
  usage(customerId: string): Promise<Answer<UsageView>>;
  /** A socket on which the coordinator tells what happens: the response is 101 and carries it. */
  watch(customerId: string, watch: Watch): Promise<Watched>;
}

/** What the API may ask of the pools. */
export interface PoolGateway {
  readonly pools: readonly string[];
  /** Something waits for the coordinator of this pool: connect to the broker and call the roll. */
  wake(pool: string): Promise<void>;
  /** An operator removed this worker: it gets no credentials any more. */
  isRemoved(pool: string, worker: WorkerId): Promise<boolean>;
  fleet(pool: string, query: FleetQuery): Promise<FleetPage>;
  /** It gets nothing new, hands back what it runs and leaves. False: there is no such worker now. */
  drain(pool: string, worker: WorkerId): Promise<boolean>;
  /** For good: what it runs goes elsewhere at once. */
  remove(pool: string, worker: WorkerRecord): Promise<void>;
  health(pool: string): Promise<{ broker: boolean; leader: boolean }>;
  /** Prometheus text, version 0.0.4. */
  metrics(): Promise<string>;
}
