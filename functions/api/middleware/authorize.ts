/** What a principal may do: a route names the scope it needs, and runs for customers that are not suspended. */
import type { Scope } from "../../../schema/scopes.ts";
import type { ApiHandler, Principal } from "../context.ts";
import { type ApiRefusal, refuse } from "../errors.ts";

export const authorize =
  (scope: Scope): ApiHandler =>
  async (c, proceed) => {
    const principal = c.var.principal;
    const refusal = scope === "admin" ? refusalOfOperator(principal) : refusalOfCustomer(principal, scope);
    if (refusal !== null) return refuse(c, refusal);
    if (principal.customer !== null) c.set("customer", principal.customer);
    return proceed();
  };

/** A customer's key never administers, whatever its row says. */
const refusalOfOperator = ({ customer, scopes }: Principal): ApiRefusal | null =>
  customer === null && scopes.includes("admin") ? null : { kind: "forbidden", message: "this is for the operator" };

/** Null: it may. */
export function refusalOfCustomer({ customer, scopes }: Principal, scope: Scope): ApiRefusal | null {
  if (customer === null) return { kind: "forbidden", message: "the operator belongs to no customer" };
  if (customer.suspended) return { kind: "customer_suspended" };
  return scopes.includes(scope) ? null : { kind: "forbidden", message: `this key lacks the scope ${scope}` };
}
