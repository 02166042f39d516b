/** Who asks: an API key of a customer, or the admin key. Every kind of wrong key gets the same answer. */
import { parseKey, sha256Hex } from "../../../schema/api-key.ts";
import { apiKeyCacheSeconds } from "../../../schema/limits.ts";
import { type Scope, scopes } from "../../../schema/scopes.ts";
import type { KeyRecord } from "../../store/store.ts";
import { bearerToken } from "../bearer.ts";
import { createBoundedCache } from "../bounded-cache.ts";
import { constantTimeEqual } from "../constant-time.ts";
import type { ApiDependencies, ApiHandler, Principal } from "../context.ts";
import { refuse } from "../errors.ts";

/** Per isolate; what was not found is remembered too, so that a wrong key in a loop costs no query. */
export const keyCacheEntriesMax = 10_000;

type Source = Pick<ApiDependencies, "store" | "clock" | "adminKeyHash">;

interface Known {
  readonly principal: Principal | null;
  readonly until: number;
}

export function authenticate(source: Source): ApiHandler {
  const known = createBoundedCache<string, Known>(keyCacheEntriesMax);
  const identify = async (token: string): Promise<Principal | null> => {
    const now = source.clock();
    const cached = known.get(token);
    if (cached !== undefined && now < cached.until) return cached.principal;
    const owner = await parseKey(token);
    // Garbage is recognised without a look-up, so it needs no place in the cache either.
    if (owner === null) return null;
    const principal = await verify(source, token, owner, now);
    known.set(token, { principal, until: now + apiKeyCacheSeconds * 1_000 });
    return principal;
  };
  return async (c, proceed) => {
    const principal = await identify(bearerToken(c));
    if (principal === null || isExpired(principal, source.clock())) return refuse(c, { kind: "unauthenticated" });
    c.set("principal", principal);
    return proceed();
  };
}

type Owner = NonNullable<Awaited<ReturnType<typeof parseKey>>>;

async function verify(source: Source, token: string, owner: Owner, now: number): Promise<Principal | null> {
  const hash = await sha256Hex(token);
  if (owner.kind === "admin") return constantTimeEqual(hash, source.adminKeyHash) ? operator : null;
  const key = await source.store.key(owner, hash, now);
  return key === null ? null : principalOf(key);
}

const operator: Principal = { id: "admin", scopes: ["admin"], expiresAt: null, customer: null };

const principalOf = ({ keyId, scopes: given, expiresAt, customerId, suspended, limits }: KeyRecord): Principal => ({
  id: keyId,
  scopes: given.filter(isScope),
  expiresAt,
  customer: { customerId, suspended, limits },
});

const isScope = (text: string): text is Scope => scopes.some((scope) => scope === text);

/** A key may expire while it is remembered. */
const isExpired = ({ expiresAt }: Principal, now: number): boolean => expiresAt !== null && expiresAt <= now;
