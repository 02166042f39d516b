/** API keys, found by their hash, when they end, and when they were in use. */
import { and, eq, gt, isNull, lt, or, type SQL, sql } from "drizzle-orm";
import type { CustomerId, KeyId } from "../../../schema/ids.ts";
import type { Tier } from "../../../schema/status.ts";
import { apiKeys, customers } from "../../../schema/tables/customers.ts";
import { limitsOf } from "../../../schema/tiers.ts";
import type { KeyRecord } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { ms } from "./rows.ts";
import { toMs } from "./workload-rows.ts";

export async function findKey(
  db: Database,
  customerId: CustomerId,
  keyHash: string,
  now: number,
): Promise<KeyRecord | null> {
  const alive = and(isNull(apiKeys.revokedAt), or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, new Date(now))));
  const query = db
    .select({
      keyId: apiKeys.keyId,
      scopes: apiKeys.scopes,
      expiresAt: apiKeys.expiresAt,
      tier: customers.tier,
      overrides: customers.overrides,
      suspendedAt: customers.suspendedAt,
    })
    .from(apiKeys)
    .innerJoin(customers, eq(customers.customerId, apiKeys.customerId))
    .where(and(eq(apiKeys.keyHash, keyHash), eq(apiKeys.customerId, customerId), alive));
  const [row] = await attempt("reading an API key", query);
  if (row === undefined) return null;
  const { scopes, expiresAt, suspendedAt } = row;
  const keyId = row.keyId as KeyId; // the table holds no other
  const limits = limitsOf(row.tier as Tier, row.overrides); // checked by the table
  return { keyId, customerId, scopes, expiresAt: toMs(expiresAt), suspended: suspendedAt !== null, limits };
}

/** `least` passes over null: of a key that never ends it is null. */
const end = ms(sql`least(revoked_at, expires_at)`);

export const endOfKey = (customerId: CustomerId, keyId: string): SQL =>
  sql`(select ${end} from api_keys where customer_id = ${customerId} and key_id = ${keyId})`;

interface EndRow extends Record<string, unknown> {
  readonly key_id: string;
  readonly ends_at: number | string;
}

export async function keyEnds(
  db: Database,
  customerId: CustomerId,
  keyIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const statement = sql`
    select key_id, ${end} as ends_at from api_keys
    where customer_id = ${customerId} and key_id = any(${sql.param(keyIds)}::text[])
      and (revoked_at is not null or expires_at is not null)`;
  const { rows } = await attempt("reading when API keys end", db.execute<EndRow>(statement));
  return new Map(rows.map(({ key_id, ends_at }) => [key_id, Number(ends_at)]));
}

/** Never back: what a slower isolate says later may be the older. */
export async function touchKey(db: Database, customerId: CustomerId, keyId: KeyId, at: number): Promise<void> {
  const lastUsedAt = new Date(at);
  const isLater = or(isNull(apiKeys.lastUsedAt), lt(apiKeys.lastUsedAt, lastUsedAt));
  const update = db
    .update(apiKeys)
    .set({ lastUsedAt })
    .where(and(eq(apiKeys.customerId, customerId), eq(apiKeys.keyId, keyId), isLater));
  await attempt("writing the last use of an API key", update);
}
