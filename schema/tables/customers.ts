/** Who owns work, and the keys they come with. */
import { sql } from "drizzle-orm";
import { check, jsonb, pgTable, primaryKey, text, uniqueIndex } from "drizzle-orm/pg-core";
import type { TierLimits } from "../tiers.ts";
import { id, moment } from "./columns.ts";

export const customers = pgTable(
  "customers",
  {
    customerId: id("customer_id").primaryKey(),
    name: text("name").notNull(),
    tier: text("tier").notNull().default("free"),
    /** Limits of this customer that differ from the tier's. */
    overrides: jsonb("overrides").$type<Partial<TierLimits>>().notNull().default({}),
    suspendedAt: moment("suspended_at"),
    createdAt: moment("created_at").notNull().defaultNow(),
    updatedAt: moment("updated_at").notNull().defaultNow(),
  },
  (table) => [check("customers_tier", sql`${table.tier} in ('free', 'standard', 'premium', 'enterprise')`)],
);

export const apiKeys = pgTable(
  "api_keys",
  {
    keyId: id("key_id").notNull(),
    customerId: id("customer_id")
      .notNull()
      .references(() => customers.customerId),
    /** SHA-256 of the whole key, in hex; the key itself is nowhere. */
    keyHash: text("key_hash").notNull(),
    name: text("name").notNull().default(""),
    scopes: text("scopes").array().notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
    expiresAt: moment("expires_at"),
    revokedAt: moment("revoked_at"),
    lastUsedAt: moment("last_used_at"),
  },
  (table) => [
    // Every key of a table begins with the customer: no constraint tells one customer about another.
    primaryKey({ columns: [table.customerId, table.keyId] }),
    uniqueIndex("api_keys_hash").on(table.customerId, table.keyHash),
    check("api_keys_hash_hex", sql`${table.keyHash} ~ '^[0-9a-f]{64}$'`),
  ],
);
