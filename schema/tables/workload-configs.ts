/** Workload types: a registered kind of work of one customer. */
import { sql } from "drizzle-orm";
import { check, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from "drizzle-orm/pg-core";
import type { Json } from "../json.ts";
import type { Resources } from "../messages/to-coordinator.ts";
import { id, moment } from "./columns.ts";
import { customers } from "./customers.ts";

export const workloadConfigs = pgTable(
  "workload_configs",
  {
    configId: id("config_id").notNull(),
    customerId: id("customer_id")
      .notNull()
      .references(() => customers.customerId),
    workloadType: text("workload_type").notNull(),
    description: text("description").notNull().default(""),
    configJson: jsonb("config_json").$type<Json>().notNull().default({}),
    resourceLimits: jsonb("resource_limits").$type<Resources>().notNull().default({}),
    checkpointIntervalSec: integer("checkpoint_interval_sec").notNull().default(300),
    checkpointProgressPercent: integer("checkpoint_progress_percent").notNull().default(10),
    maxRetries: integer("max_retries").notNull().default(3),
    retryBaseMs: integer("retry_base_ms").notNull().default(1_000),
    retryCapMs: integer("retry_cap_ms").notNull().default(300_000),
    timeoutSeconds: integer("timeout_seconds"),
    createdAt: moment("created_at").notNull().defaultNow(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.customerId, table.configId] }),
    uniqueIndex("workload_configs_type").on(table.customerId, table.workloadType),
    check("workload_configs_retries", sql`${table.maxRetries} >= 0 and ${table.retryCapMs} >= ${table.retryBaseMs}`),
    check("workload_configs_timeout", sql`${table.timeoutSeconds} > 0`),
  ],
);
