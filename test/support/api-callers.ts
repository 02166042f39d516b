/** Who may call which operation of a stack: the credentials that each security requirement asks for. */
import type { Stack } from "../../infra/local/stack.ts";
import { sha256Hex } from "../../schema/api-key.ts";
import { formatPoolToken } from "../../schema/pool-token.ts";
import { customerScopes } from "../../schema/scopes.ts";
import type { Call } from "./documented.ts";
import { newCustomer } from "./stack.ts";

const poolSecretBytes = 32;

/** A pool token of the test's own, and the binding that makes a stack take it. */
export async function ownPoolToken() {
  const token = await formatPoolToken("default", crypto.getRandomValues(new Uint8Array(poolSecretBytes)));
  return { token, bindings: { POOL_TOKEN_HASHES: `default=${await sha256Hex(token)}` } };
}

export interface Credentials {
  readonly customer: string;
  readonly operator: string;
  readonly pool: string;
  readonly metrics: string;
}

/** Null: the operation asks for none. */
export function requirementOf({ operation }: Call): { scheme: keyof Credentials; scope: string | null } | null {
  const [first = {}] = operation.security;
  const [[scheme, scopes] = []] = Object.entries(first);
  if (scheme !== "customer" && scheme !== "operator" && scheme !== "pool" && scheme !== "metrics") return null;
  return { scheme, scope: scopes?.[0] ?? null };
}

export function authorizationOf(call: Call, credentials: Credentials): string {
  const requirement = requirementOf(call);
  return requirement === null ? "" : `Bearer ${credentials[requirement.scheme]}`;
}

/** A key that has every scope but this one. */
export async function keyWithout(stack: Stack, scope: string): Promise<string> {
  return (await newCustomer(stack, { scopes: customerScopes.filter((other) => other !== scope) })).key;
}
