/** What is written once and never changed: the audit trail and the log lines. */
import { sql } from "drizzle-orm";
import { bigint, check, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from "drizzle-orm/pg-core";
import type { Json } from "../json.ts";
import { id, moment } from "./columns.ts";

export const auditEvents = pgTable(
  "audit_events",
  {
    /** Rises; within one customer it is the order of the changes, as one coordinator writes them. */
    eventId: bigint("event_id", { mode: "bigint" }).notNull().generatedAlwaysAsIdentity(),
    /** Null for the events of a worker as such. */
    customerId: id("customer_id"),
    workloadId: id("workload_id"),
    workerId: id("worker_id"),
    eventType: text("event_type").notNull(),
    actorType: text("actor_type").notNull(),
    actorId: text("actor_id").notNull(),
    generation: integer("generation").notNull().default(0),
    details: jsonb("details").$type<Json>().notNull().default({}),
    createdAt: moment("created_at").notNull(),
  },
  (table) => [
    // In the order of a customer's changes: what live updates read on from.
    uniqueIndex("audit_events_order").on(table.customerId, table.eventId),
    index("audit_events_workload").on(table.customerId, table.workloadId, table.eventId),
    // Written in the order of time, so that a few blocks of it say which pages are old enough to be dropped.
    index("audit_events_age").using("brin", table.createdAt).with({ autosummarize: true }),
    index("audit_events_worker").on(table.workerId, table.eventId).where(sql`worker_id is not null`),
    check("audit_events_actor", sql`${table.actorType} in ('coordinator', 'worker', 'system', 'user')`),
  ],
);

export const workloadLogs = pgTable(
  "workload_logs",
  {
    customerId: id("customer_id").notNull(),
    workloadId: id("workload_id").notNull(),
    generation: integer("generation").notNull(),
    /** Rises within an attempt; a line that is sent again is the same line. */
    line: integer("line").notNull(),
    loggedAt: moment("logged_at").notNull(),
    level: text("level").notNull(),
    message: text("message").notNull(),
    details: jsonb("details").$type<Json>(),
  },
  (table) => [
    primaryKey({ columns: [table.customerId, table.workloadId, table.generation, table.line] }),
    index("workload_logs_age").using("brin", table.loggedAt).with({ autosummarize: true }),
    check("workload_logs_level", sql`${table.level} in ('trace', 'debug', 'info', 'warn', 'error', 'fatal')`),
  ],
);
