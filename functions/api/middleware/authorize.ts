/** What a principal may do: a route names the scope it needs, and runs for customers that are not suspended. */
import type { ApiHandler, Principal } from "../context.ts";
import { type ApiRefusal, refuse } from "../errors.ts";

export type Scope = "workloads:read" | "workloads:write";

export const authorize =
  (scope: Scope): ApiHandler =>
  async (c, proceed) => {
    const principal = c.var.principal;
    const refusal = refusalOf(principal, scope);
    if (refusal !== null) return refuse(c, refusal);
    if (principal.kind === "customer") c.set("customer", principal.key);
    return proceed();
  };

function refusalOf(principal: Principal, scope: Scope): ApiRefusal | null {
  if (principal.kind === "admin") return { kind: "forbidden", message: "the admin key belongs to no customer" };
  if (principal.key.suspended) return { kind: "customer_suspended" };
  if (principal.key.scopes.includes(scope)) return null;
  return { kind: "forbidden", message: `this key lacks the scope ${scope}` };
}
