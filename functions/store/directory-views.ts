/** From what a store holds of customers to what the API shows, and the pages of its lists. */
import { z } from "zod";
import type { CustomerView } from "../../schema/http/customer.ts";
import { configIdSchema, customerIdSchema, keyIdSchema } from "../../schema/ids.ts";
import type { Tier } from "../../schema/status.ts";
import { limitsOf, type TierLimits } from "../../schema/tiers.ts";
import { limitsView, overridesView } from "../domain/customer-limits.ts";
import { encodeCursor } from "./cursor.ts";
import type { Page } from "./store.ts";

/** Times in milliseconds. */
export interface StoredCustomer {
  readonly customerId: CustomerView["customer_id"];
  readonly name: string;
  readonly tier: Tier;
  readonly overrides: Partial<TierLimits>;
  readonly suspended: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

const iso = (at: number): string => new Date(at).toISOString();

export const toCustomerView = (stored: StoredCustomer): CustomerView => ({
  customer_id: stored.customerId,
  name: stored.name,
  tier: stored.tier,
  suspended: stored.suspended,
  limits: limitsView(limitsOf(stored.tier, stored.overrides)),
  overrides: overridesView(stored.overrides),
  created_at: iso(stored.createdAt),
  updated_at: iso(stored.updatedAt),
});

/** The last of a page. */
export const placeSchemas = {
  config: z.tuple([configIdSchema]),
  key: z.tuple([keyIdSchema]),
  customer: z.tuple([customerIdSchema]),
};

/** `rows`: newest first, one more than the page where there is more. */
export function toPage<T>(rows: readonly T[], limit: number, idOf: (item: T) => string): Page<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const hasMore = rows.length > limit;
  return { items, hasMore, nextCursor: hasMore && last !== undefined ? encodeCursor([idOf(last)]) : null };
}
