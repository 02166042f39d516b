/** Issues, rotates and revokes API keys of a customer; of a key only its hash comes this far. */
import type { KeyView } from "../../schema/http/key.ts";
import { apiKeysMax } from "../../schema/limits.ts";
import { earliest } from "../domain/earliest.ts";
import { done, type Refusal, refuse } from "../domain/refusal.ts";
import type { Carrier } from "./directory.ts";
import { written } from "./session.ts";

const iso = (at: number): string => new Date(at).toISOString();

/** Not used yet. */
const newKey = (given: Pick<KeyView, "key_id" | "name" | "scopes" | "expires_at">, now: number): KeyView => ({
  ...given,
  created_at: iso(now),
  revoked_at: null,
  last_used_at: null,
});

function scopesRefusal(scopes: readonly string[], grantable: readonly string[]): Refusal | null {
  const missing = scopes.filter((scope) => !grantable.includes(scope));
  return missing.length === 0 ? null : { kind: "scope_not_held", scopes: missing };
}

function expiryRefusal(asked: number | null, expiresBy: number | null, now: number): Refusal | null {
  if (asked === null) return null;
  if (asked <= now) return { kind: "expiry_past" };
  return expiresBy !== null && asked > expiresBy ? { kind: "key_outlives", expiresBy } : null;
}

const isoOrNull = (at: number | null): string | null => (at === null ? null : iso(at));
const msOrNull = (time: string | null): number | null => (time === null ? null : Date.parse(time));

export const issueKey: Carrier<"issue_key"> = async ({ deps, session, now, remember }, what) => {
  const { keyId, keyHash, grantable, expiresBy, body } = what;
  const asked = msOrNull(body.expires_at ?? null);
  const refusal = scopesRefusal(body.scopes, grantable) ?? expiryRefusal(asked, expiresBy, now);
  if (refusal !== null) return refuse(refusal);
  const live = await deps.store.countLiveKeys(deps.customerId, now);
  if (live >= apiKeysMax) return refuse({ kind: "too_many_keys", apiKeysMax });
  const { name, scopes } = body;
  const key = newKey({ key_id: keyId, name, scopes, expires_at: isoOrNull(asked ?? expiresBy) }, now);
  written(await deps.store.issueKey(session.lead, { key, keyHash }, null, remember(key), now));
  return done(key);
};

/** The old key goes on for the overlap; the new one ends when the old one would have, or before that with who asks. */
export const rotateKey: Carrier<"rotate_key"> = async ({ deps, session, now, remember, endWatching }, what) => {
  const { keyId, keyHash, grantable, expiresBy, replaced, overlapSeconds } = what;
  const old = await deps.store.apiKey(deps.customerId, replaced);
  if (old === null) return refuse({ kind: "unknown_key" });
  if (isOver(old, now)) return refuse({ kind: "key_over" });
  const refusal = scopesRefusal(old.scopes, grantable);
  if (refusal !== null) return refuse(refusal);
  const live = await deps.store.countLiveKeys(deps.customerId, now);
  if (live - (overlapSeconds === 0 ? 1 : 0) >= apiKeysMax) return refuse({ kind: "too_many_keys", apiKeysMax });
  const expiresAt = isoOrNull(earliest(msOrNull(old.expires_at), expiresBy));
  const key = newKey({ key_id: keyId, name: old.name, scopes: old.scopes, expires_at: expiresAt }, now);
  const end = { keyId: replaced, expiresAt: now + overlapSeconds * 1_000 };
  written(await deps.store.issueKey(session.lead, { key, keyHash }, end, remember(key), now));
  endWatching(replaced, end.expiresAt);
  return done(key);
};

const isOver = ({ revoked_at, expires_at }: KeyView, now: number): boolean =>
  revoked_at !== null || (expires_at !== null && Date.parse(expires_at) <= now);

export const revokeKey: Carrier<"revoke_key"> = async ({ deps, session, now, endWatching }, { keyId }) => {
  const outcome = written(await deps.store.revokeKey(session.lead, keyId, now));
  if (outcome === "unknown") return refuse({ kind: "unknown_key" });
  endWatching(keyId, now);
  return done(null);
};
