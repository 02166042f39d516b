/** A customer as the API must know it when a token names it. */
import { eq } from "drizzle-orm";
import type { CustomerId } from "../../../schema/ids.ts";
import type { Tier } from "../../../schema/status.ts";
import { customers } from "../../../schema/tables/customers.ts";
import { limitsOf } from "../../../schema/tiers.ts";
import type { CallerRecord } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";

export async function findCaller(db: Database, customerId: CustomerId): Promise<CallerRecord | null> {
  const query = db
    .select({ tier: customers.tier, overrides: customers.overrides, suspendedAt: customers.suspendedAt })
    .from(customers)
    .where(eq(customers.customerId, customerId));
  const [row] = await attempt("reading the customer of a token", query);
  if (row === undefined) return null;
  const limits = limitsOf(row.tier as Tier, row.overrides); // checked by the table
  return { customerId, suspended: row.suspendedAt !== null, limits };
}
