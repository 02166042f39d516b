/** Workloads and their checkpoints: the truth of what is to be done, by whom, and how far it is. */
import { type SQL, sql } from "drizzle-orm";
import {
  bigint,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  real,
  smallint,
  text,
} from "drizzle-orm/pg-core";
import type { Affinity } from "../affinity.ts";
import type { Json } from "../json.ts";
import { bytes, counter, id, moment } from "./columns.ts";
import { customers } from "./customers.ts";

/**
 * The line that a workload waits in, as `lineKey` of functions/domain/queue-line.ts tells them apart: those that are bound
 * to no worker first. A hash, because an affinity may be longer than an index takes.
 */
export const queueLineOf = (pool: SQL, workloadType: SQL, affinity: SQL): SQL => sql`
  case when coalesce(${affinity} - 'soft_affinity'::text, '{}'::jsonb) = '{}'::jsonb then '0 '
    else '1 ' || md5((${affinity} - 'soft_affinity'::text)::text) || ' ' end || ${pool} || '/' || ${workloadType}`;

/** Also of those in the archive. */
export const workloadColumns = {
  customerId: id("customer_id")
    .notNull()
    .references(() => customers.customerId),
  workloadId: id("workload_id").notNull(),
  workloadType: text("workload_type").notNull(),
  pool: text("pool").notNull(),
  status: text("status").notNull(),
  /** The fencing token: a write that carries an older one changes nothing. */
  generation: integer("generation").notNull(),
  priority: smallint("priority").notNull(),
  /** Place in the customer's queue, lower first: see domain/queue-rank.ts. */
  queueRank: counter("queue_rank").notNull(),
  /** Not to be started before; null: at once. */
  dueAt: moment("due_at"),
  workerId: id("worker_id"),
  /** The worker of the last attempt: preferred for the next. */
  lastWorkerId: id("last_worker_id"),
  labels: jsonb("labels").$type<Record<string, string>>().notNull(),
  affinity: jsonb("affinity").$type<Affinity>(),
  /** What is to become of it as soon as its worker lets go: see domain/workload.ts. */
  intent: jsonb("intent").$type<Json>(),
  /** The workload that this one is a retry of, by hand. */
  retriedFrom: id("retried_from"),
  inputParams: jsonb("input_params").$type<Json>().notNull(),
  /** Of the input as JSON: how much a coordinator may hand out at once is counted before the input is read. */
  inputBytes: integer("input_bytes").notNull().default(0),
  resultData: jsonb("result_data").$type<Json>(),
  errorType: text("error_type"),
  errorMessage: text("error_message"),
  progressPercent: real("progress_percent").notNull().default(0),
  progressMessage: text("progress_message"),
  checkpointSequence: integer("checkpoint_sequence").notNull().default(0),
  retryCount: smallint("retry_count").notNull().default(0),
  deathCount: smallint("death_count").notNull().default(0),
  // The type's policy as it was at submission: a later change does not touch running workloads.
  maxRetries: smallint("max_retries").notNull(),
  retryBaseMs: integer("retry_base_ms").notNull(),
  retryCapMs: integer("retry_cap_ms").notNull(),
  timeoutSeconds: integer("timeout_seconds"),
  checkpointIntervalSec: integer("checkpoint_interval_sec").notNull(),
  checkpointProgressPercent: smallint("checkpoint_progress_percent").notNull(),
  createdAt: moment("created_at").notNull(),
  runAt: moment("run_at"),
  scheduledAt: moment("scheduled_at"),
  startedAt: moment("started_at"),
  completedAt: moment("completed_at"),
  updatedAt: moment("updated_at").notNull(),
};

export const workloads = pgTable(
  "workloads",
  {
    ...workloadColumns,
    queueLine: text("queue_line")
      .notNull()
      .generatedAlwaysAs(queueLineOf(sql.raw("pool"), sql.raw("workload_type"), sql.raw("affinity"))),
  },
  (table) => [
    primaryKey({ columns: [table.customerId, table.workloadId] }),
    // Partial indexes: what is COMPLETED stands in the primary key and in one of these.
    index("workloads_queue_lines")
      .on(table.customerId, table.queueLine, table.queueRank, table.workloadId)
      .where(sql`status in ('PENDING', 'REDISTRIBUTING')`),
    index("workloads_held").on(table.customerId).where(sql`status in ('SCHEDULED', 'RUNNING')`),
    index("workloads_paused").on(table.customerId).where(sql`status = 'PAUSED'`),
    // A retry by filter leaves out what was retried already.
    index("workloads_retried").on(table.customerId, table.retriedFrom).where(sql`retried_from is not null`),
    // What ended badly is looked for, and rare.
    index("workloads_ended_badly").on(table.customerId, table.workloadId).where(sql`status in ('FAILED', 'CANCELLED')`),
    // The most urgent first: of what is over, as what is open is few, or waits in the queue.
    index("workloads_over_by_priority")
      .on(table.customerId, table.priority, table.workloadId)
      .where(sql`status in ('COMPLETED', 'FAILED', 'CANCELLED')`),
    index("workloads_due").on(table.customerId, table.dueAt).where(sql`status = 'PENDING' and due_at is not null`),
    check(
      "workloads_status",
      sql`${table.status} in ('PENDING','SCHEDULED','RUNNING','PAUSED','REDISTRIBUTING','COMPLETED','FAILED','CANCELLED')`,
    ),
    // I4: SCHEDULED and RUNNING have exactly one worker, every other status has none.
    check("workloads_one_worker", sql`(${table.workerId} is not null) = (${table.status} in ('SCHEDULED','RUNNING'))`),
    check(
      "workloads_terminal_time",
      sql`(${table.completedAt} is not null) = (${table.status} in ('COMPLETED','FAILED','CANCELLED'))`,
    ),
    check(
      "workloads_counts",
      sql`generation >= 0 and retry_count >= 0 and death_count >= 0 and retry_count <= max_retries`,
    ),
  ],
);

export const checkpoints = pgTable(
  "checkpoints",
  {
    customerId: id("customer_id").notNull(),
    workloadId: id("workload_id").notNull(),
    sequence: integer("sequence").notNull(),
    generation: integer("generation").notNull(),
    sizeBytes: integer("size_bytes").notNull(),
    sha256: text("sha256").notNull(),
    chunks: integer("chunks").notNull(),
    /** The workload whose checkpoint of this sequence has the bytes, where this one is repeated from it; null: its own. */
    chunksOf: id("chunks_of"),
    createdAt: moment("created_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.customerId, table.workloadId, table.sequence] }),
    foreignKey({
      columns: [table.customerId, table.workloadId],
      foreignColumns: [workloads.customerId, workloads.workloadId],
    }).onDelete("cascade"),
    // Bytes that another workload may go on from are not deleted.
    foreignKey({
      name: "checkpoints_chunks_of",
      columns: [table.customerId, table.chunksOf],
      foreignColumns: [workloads.customerId, workloads.workloadId],
    }),
  ],
);

/** Bytes of checkpoints; those without a row in `checkpoints` are not complete, and nobody sees them. */
export const checkpointChunks = pgTable(
  "checkpoint_chunks",
  {
    customerId: id("customer_id").notNull(),
    workloadId: id("workload_id").notNull(),
    sequence: integer("sequence").notNull(),
    generation: integer("generation").notNull(),
    chunkIndex: smallint("chunk_index").notNull(),
    data: bytes("data").notNull(),
  },
  (table) => [
    primaryKey({
      columns: [table.customerId, table.workloadId, table.sequence, table.generation, table.chunkIndex],
    }),
    foreignKey({
      columns: [table.customerId, table.workloadId],
      foreignColumns: [workloads.customerId, workloads.workloadId],
    }).onDelete("cascade"),
  ],
);

export const idempotencyKeys = pgTable(
  "idempotency_keys",
  {
    customerId: id("customer_id").notNull(),
    idempotencyKey: text("idempotency_key").notNull(),
    bodySha256: text("body_sha256").notNull(),
    /** What a submission made; empty for every other request, whose answer is `reply`. */
    workloadIds: text("workload_ids").array().notNull().default([]),
    reply: jsonb("reply").$type<Json>(),
    createdAt: moment("created_at").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.customerId, table.idempotencyKey] }),
    index("idempotency_keys_age").on(table.createdAt),
  ],
);

/** One row a scope (`customer:<id>`, `pool:<name>`): who leads it now. Every statement of a leader checks its epoch. */
export const coordinatorEpochs = pgTable("coordinator_epochs", {
  scope: text("scope").primaryKey(),
  epoch: bigint("epoch", { mode: "number" }).notNull(),
  takenAt: moment("taken_at").notNull().defaultNow(),
});
