/** What the memory store holds: one row a workload, with everything that belongs to it. */
import type { ConfigView } from "../../../schema/http/config.ts";
import type { ConfigId, CustomerId, KeyId, WorkloadId } from "../../../schema/ids.ts";
import { isStorableText, type Json } from "../../../schema/json.ts";
import type { CheckpointRef } from "../../../schema/messages/assignment.ts";
import { isHeld, isTerminal } from "../../../schema/status.ts";
import type { TierLimits } from "../../../schema/tiers.ts";
import type { Customer } from "../../domain/customer.ts";
import type { Workload } from "../../domain/workload.ts";
import { type AuditView, type Lead, type LogView, StoreRejected, type WorkerRecord, type Written } from "../store.ts";

export interface CheckpointRow extends CheckpointRef {
  readonly generation: number;
  readonly createdAt: number;
}

export interface LogRow extends LogView {
  readonly line: number;
  readonly at: number;
}

export interface WorkloadRow {
  workload: Workload;
  readonly labels: Record<string, string>;
  readonly input: Json;
  readonly runAt: number | null;
  readonly retriedFrom: WorkloadId | null;
  result: Json;
  error: { readonly type: string; readonly message: string } | null;
  updatedAt: number;
  readonly audit: AuditView[];
  /** By `chunkName`. */
  readonly chunks: Map<string, Uint8Array>;
  /** Complete ones, the newest last. */
  checkpoints: CheckpointRow[];
  /** By generation and line. */
  readonly logs: Map<string, LogRow>;
}

export interface IdempotencyRow {
  readonly bodySha256: string;
  readonly workloadIds: readonly WorkloadId[];
  /** Null: of a plain submission. */
  readonly reply: Json;
  readonly createdAt: number;
}

export interface CustomerRows {
  customer: Customer;
  name: string;
  overrides: Partial<TierLimits>;
  readonly createdAt: number;
  updatedAt: number;
  /** Those that were registered here; a customer may be put in with others. */
  readonly configs: Map<ConfigId, ConfigView>;
  readonly workloads: Map<WorkloadId, WorkloadRow>;
  readonly idempotency: Map<string, IdempotencyRow>;
}

/** A key as tests put it in. */
export interface GivenKey {
  readonly keyId: KeyId;
  readonly customerId: CustomerId;
  readonly keyHash: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number | null;
  readonly revokedAt: number | null;
}

export interface KeyRow extends Omit<GivenKey, "expiresAt" | "revokedAt"> {
  readonly name: string;
  readonly createdAt: number;
  expiresAt: number | null;
  revokedAt: number | null;
  lastUsedAt: number | null;
}

export interface WorkerRow {
  readonly worker: WorkerRecord;
  readonly registeredAt: number;
  readonly updatedAt: number;
  readonly audit: AuditView[];
}

export interface Rows {
  readonly customers: Map<CustomerId, CustomerRows>;
  readonly epochs: Map<string, number>;
  readonly keys: KeyRow[];
  readonly workers: Map<string, WorkerRow>;
  /** Of the operator, who is no customer. */
  readonly operator: Pick<CustomerRows, "idempotency">;
  nextEventId(): string;
}

export const customerScope = (customerId: CustomerId): string => `customer:${customerId}`;

export function takeEpoch(rows: Rows, scope: string): number {
  const epoch = (rows.epochs.get(scope) ?? 0) + 1;
  rows.epochs.set(scope, epoch);
  return epoch;
}

export const leads = (rows: Rows, { customerId, epoch }: Lead): boolean =>
  rows.epochs.get(customerScope(customerId)) === epoch;

/** No `await` inside `write`: what it does is one step. */
export function writeAsLeader<T>(rows: Rows, lead: Lead, write: (customer: CustomerRows) => T): Written<T> {
  const customer = rows.customers.get(lead.customerId);
  if (customer === undefined || !leads(rows, lead)) return { kind: "not_leader" };
  return { kind: "written", value: write(customer) };
}

export const rowsOf = (rows: Rows, customerId: CustomerId): WorkloadRow[] => [
  ...(rows.customers.get(customerId)?.workloads.values() ?? []),
];
export const rowOf = (rows: Rows, customerId: CustomerId, id: WorkloadId): WorkloadRow | undefined =>
  rows.customers.get(customerId)?.workloads.get(id);

/** As Postgres: neither a NUL nor half a surrogate pair is stored, in text or in a key. */
export function assertStorable(value: unknown): void {
  JSON.stringify(value, (key, inner: unknown) => {
    if (isStorableText(key) && (typeof inner !== "string" || isStorableText(inner))) return inner;
    throw new StoreRejected("text that cannot be stored");
  });
}

/** As the checks of the table. */
export function assertWhole(workload: Workload): void {
  const { status, workerId, completedAt, retryCount, policy } = workload;
  const whole = (workerId !== null) === isHeld(status) && (completedAt !== null) === isTerminal(status);
  if (!whole || retryCount > policy.maxRetries) throw new StoreRejected(`a workload that cannot be: ${status}`);
}
