/** Workers as last known: written when a status changes, never by a heartbeat. */
import { sql } from "drizzle-orm";
import { check, index, integer, jsonb, pgTable, text } from "drizzle-orm/pg-core";
import type { Tags } from "../affinity.ts";
import { id, moment } from "./columns.ts";

export const workers = pgTable(
  "workers",
  {
    workerId: id("worker_id").primaryKey(),
    pool: text("pool").notNull(),
    status: text("status").notNull(),
    capabilities: text("capabilities").array().notNull(),
    slots: integer("slots").notNull(),
    tags: jsonb("tags").$type<Tags>().notNull().default({}),
    version: text("version").notNull().default(""),
    registeredAt: moment("registered_at").notNull(),
    updatedAt: moment("updated_at").notNull(),
  },
  (table) => [
    index("workers_pool").on(table.pool, table.status),
    check("workers_status", sql`${table.status} in ('HEALTHY', 'DRAINING', 'DEAD', 'REMOVED')`),
    check("workers_slots", sql`${table.slots} > 0`),
  ],
);
