/** Whose an API key is: checksum first, then one look-up by hash. The admin key is the operator's. */
import { parseKey, sha256Hex } from "../../../schema/api-key.ts";
import { apiKeyCacheSeconds } from "../../../schema/limits.ts";
import { type Scope, scopes } from "../../../schema/scopes.ts";
import type { KeyRecord } from "../../store/store.ts";
import { constantTimeEqual } from "../constant-time.ts";
import type { ApiDependencies, Principal } from "../context.ts";
import type { Verdict } from "./gate.ts";
import { createLastUsed } from "./last-used.ts";

export type KeyParts = Pick<ApiDependencies, "store" | "clock" | "adminKeyHash" | "log" | "background">;

const operator: Principal = { id: "admin", scopes: ["admin"], expiresAt: null, customer: null };

export function createKeyCheck(parts: KeyParts): (key: string, now: number) => Promise<Verdict<Principal>> {
  const used = createLastUsed(parts);
  return async (key, now) => {
    const owner = await parseKey(key);
    // Garbage is recognised without a look-up, so it need not be remembered either.
    if (owner === null) return { value: null, until: now };
    const until = now + apiKeyCacheSeconds * 1_000;
    const hash = await sha256Hex(key);
    if (owner.kind === "admin") return { value: constantTimeEqual(hash, parts.adminKeyHash) ? operator : null, until };
    const record = await parts.store.key(owner, hash, now);
    if (record === null) return { value: null, until };
    used(record, now);
    return { value: principalOf(record), until: Math.min(until, record.expiresAt ?? until) };
  };
}

const principalOf = ({ keyId, scopes: given, expiresAt, customerId, suspended, limits }: KeyRecord): Principal => ({
  id: keyId,
  scopes: scopesAmong(given),
  expiresAt,
  customer: { customerId, suspended, limits },
});

/** What we know of what was given; the rest is for others, or of another version. */
export const scopesAmong = (given: readonly string[]): Scope[] => scopes.filter((scope) => given.includes(scope));
