/** One row of every table for one customer, as SQL: what tests of row-level security try to reach. */
import { createHash } from "node:crypto";
import type { CustomerId } from "../../schema/ids.ts";
import { ids } from "./records.ts";

/** What the rows of one customer are called. */
export interface Tenant {
  readonly customerId: CustomerId;
  readonly workloadId: string;
  readonly keyId: string;
  readonly keyHash: string;
  readonly configId: string;
  readonly idempotencyKey: string;
}

export interface Insert {
  readonly text: string;
  readonly values: readonly unknown[];
}

export const newTenant = (): Tenant => ({
  customerId: ids.customer(),
  workloadId: ids.workload(),
  keyId: ids.key(),
  keyHash: createHash("sha256").update(ids.key()).digest("hex"),
  configId: ids.config(),
  idempotencyKey: ids.message(),
});

const insert = (table: string, columns: string, ...values: unknown[]): Insert => ({
  text: `insert into ${table} (${columns}) values (${values.map((_, n) => `$${n + 1}`).join(", ")})`,
  values,
});

const now = "2026-01-01T00:00:00Z";

/** In an order that foreign keys allow. */
export const rowsOf = (tenant: Tenant): Readonly<Record<string, Insert>> => {
  const { customerId, workloadId, keyId, keyHash, configId, idempotencyKey } = tenant;
  return {
    customers: insert("customers", "customer_id, name", customerId, "name"),
    api_keys: insert("api_keys", "customer_id, key_id, key_hash, scopes", customerId, keyId, keyHash, []),
    workload_configs: insert("workload_configs", "customer_id, config_id, workload_type", customerId, configId, "noop"),
    workloads: insert(
      "workloads",
      `customer_id, workload_id, workload_type, pool, status, generation, priority, queue_rank, labels, input_params,
       max_retries, retry_base_ms, retry_cap_ms, checkpoint_interval_sec, checkpoint_progress_percent, created_at, updated_at`,
      ...[customerId, workloadId, "noop", "default", "PENDING", 0, 0, 0, {}, {}, 0, 1, 1, 1, 1, now, now],
    ),
    workloads_archive: insert(
      "workloads_archive",
      `customer_id, workload_id, workload_type, pool, status, generation, priority, queue_rank, labels, input_params,
       max_retries, retry_base_ms, retry_cap_ms, checkpoint_interval_sec, checkpoint_progress_percent, created_at, updated_at,
       archived_at`,
      ...[customerId, workloadId, "noop", "default", "COMPLETED", 0, 0, 0, {}, {}, 0, 1, 1, 1, 1, now, now, now],
    ),
    checkpoints: insert(
      "checkpoints",
      "customer_id, workload_id, sequence, generation, size_bytes, sha256, chunks, created_at",
      ...[customerId, workloadId, 1, 1, 5, "hash", 1, now],
    ),
    checkpoint_chunks: insert(
      "checkpoint_chunks",
      "customer_id, workload_id, sequence, generation, chunk_index, data",
      ...[customerId, workloadId, 1, 1, 0, Buffer.from("state")],
    ),
    workload_logs: insert(
      "workload_logs",
      "customer_id, workload_id, generation, line, logged_at, level, message",
      ...[customerId, workloadId, 1, 1, now, "info", "a line"],
    ),
    audit_events: insert(
      "audit_events",
      "customer_id, workload_id, event_type, actor_type, actor_id, created_at",
      ...[customerId, workloadId, "workload.created", "user", "test", now],
    ),
    idempotency_keys: insert(
      "idempotency_keys",
      "customer_id, idempotency_key, body_sha256, created_at",
      ...[customerId, idempotencyKey, "hash", now],
    ),
    coordinator_epochs: insert("coordinator_epochs", "scope, epoch", `customer:${customerId}`, 1),
  };
};

/** The condition that finds a customer's rows of a table, and its value. */
export const whereOf = (table: string, { customerId }: Tenant): Insert =>
  table === "coordinator_epochs"
    ? { text: "scope = $1", values: [`customer:${customerId}`] }
    : { text: "customer_id = $1", values: [customerId] };
