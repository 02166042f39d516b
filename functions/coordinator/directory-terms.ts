/** Sets the terms of a customer: its name, its tier, what differs from the tier, and whether it is suspended. */
import type { CustomerView, UpdateCustomerBody } from "../../schema/http/customer.ts";
import { limitsOf } from "../../schema/tiers.ts";
import { bucketUnder, limitsView, overridesOf } from "../domain/customer-limits.ts";
import { done, refuse } from "../domain/refusal.ts";
import type { Terms } from "../store/directory.ts";
import type { Carrier } from "./directory.ts";
import { tellAllPools } from "./offer.ts";
import { type Session, written } from "./session.ts";

/** From the next decision on they hold: for submissions, for placements, and for the pools' shares. */
export const setTerms: Carrier<"set_terms"> = async ({ deps, session, now, endAllWatching }, body) => {
  const before = await deps.store.customer(deps.customerId);
  if (before === null) return refuse({ kind: "unknown_customer" });
  const terms = termsOf(before, body);
  written(await deps.store.putTerms(session.lead, terms, now));
  applyTerms(session, terms, now);
  tellAllPools(deps, session);
  if (terms.suspended) endAllWatching();
  return done(viewOf(before, terms, now));
};

const termsOf = (before: CustomerView, body: UpdateCustomerBody): Terms => ({
  name: body.name ?? before.name,
  tier: body.tier ?? before.tier,
  overrides: body.overrides ?? before.overrides,
  suspended: body.suspended ?? before.suspended,
});

function applyTerms(session: Session, { tier, overrides, suspended }: Terms, now: number): void {
  const limits = limitsOf(tier, overridesOf(overrides));
  session.bucket = bucketUnder(session.bucket, session.customer.limits, limits, now);
  session.customer = { ...session.customer, tier, limits, suspended };
}

const viewOf = (before: CustomerView, terms: Terms, now: number): CustomerView => ({
  ...before,
  ...terms,
  limits: limitsView(limitsOf(terms.tier, overridesOf(terms.overrides))),
  updated_at: new Date(now).toISOString(),
});
