/** Hands a change of what a customer is or owns to its coordinator. */
import type { CustomerId } from "../../schema/ids.ts";
import { customerScopes } from "../../schema/scopes.ts";
import type { Directed } from "../coordinator/gateway.ts";
import type { ChangeKind, DirectoryChange } from "../domain/directory-change.ts";
import type { ApiContext, ApiDependencies } from "./context.ts";
import type { ApiRefusal } from "./errors.ts";
import type { Idempotency } from "./idempotency.ts";
import type { Refused } from "./route.ts";

export async function direct<K extends ChangeKind>(
  { coordinators }: Pick<ApiDependencies, "coordinators">,
  c: ApiContext,
  customerId: CustomerId,
  change: DirectoryChange<K>,
  idempotency: Idempotency | null = null,
): Promise<Directed<K> | Refused> {
  const { id, customer } = c.var.principal;
  const actor = { type: "user" as const, id };
  const answer = await coordinators.direct(customerId, { change, actor, byOperator: customer === null, idempotency });
  return answer.ok ? answer.value : { refusal: refusalTo(c, answer.refusal) };
}

/** The operator is told of a customer that is none; to a customer's own key it would be no key at all. */
export const refusalTo = (c: ApiContext, refusal: ApiRefusal): ApiRefusal =>
  refusal.kind === "unknown_customer" && c.var.principal.customer === null ? { kind: "no_such_customer" } : refusal;

/** What a principal may put into a key: the operator, whatever a customer's key can hold. */
export const grantableBy = (c: ApiContext): readonly string[] =>
  c.var.principal.customer === null ? customerScopes : c.var.principal.scopes;

/** A key that is stolen for an hour must not be good for more: what it makes ends with it. The operator is not bound. */
export const latestEndBy = (c: ApiContext): number | null =>
  c.var.principal.customer === null ? null : c.var.principal.expiresAt;
