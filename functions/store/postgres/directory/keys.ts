/** API keys of a customer, without what would open anything. */
import { and, desc, eq, lt, type SQL, sql } from "drizzle-orm";
import type { KeyView } from "../../../../schema/http/key.ts";
import type { PageQuery } from "../../../../schema/http/page.ts";
import type { CustomerId, KeyId } from "../../../../schema/ids.ts";
import { apiKeys } from "../../../../schema/tables/customers.ts";
import { decodeCursor } from "../../cursor.ts";
import type { CustomerDirectory, Directory, NewKey } from "../../directory.ts";
import { placeSchemas, toPage } from "../../directory-views.ts";
import type { Lead } from "../../store.ts";
import type { Database } from "../database.ts";
import { attempt } from "../failure.ts";
import { written } from "../leader.ts";
import { isoTime, onlyRow } from "../rows.ts";
import { asLeader, byLeader, onlyWritten, remembered } from "./writing.ts";

const selectKeys = (db: Database, where: SQL | undefined) =>
  db
    .select({
      keyId: apiKeys.keyId,
      name: apiKeys.name,
      scopes: apiKeys.scopes,
      createdAt: apiKeys.createdAt,
      expiresAt: apiKeys.expiresAt,
      revokedAt: apiKeys.revokedAt,
      lastUsedAt: apiKeys.lastUsedAt,
    })
    .from(apiKeys)
    .where(where);
type KeyRow = Awaited<ReturnType<typeof selectKeys>>[number];

const isoOrNull = (time: Date | null): string | null => time?.toISOString() ?? null;

const toView = (row: KeyRow): KeyView => ({
  key_id: row.keyId as KeyId, // the table holds no other
  name: row.name,
  scopes: row.scopes,
  created_at: row.createdAt.toISOString(),
  expires_at: isoOrNull(row.expiresAt),
  revoked_at: isoOrNull(row.revokedAt),
  last_used_at: isoOrNull(row.lastUsedAt),
});

const ofCustomer = (customerId: CustomerId) => eq(apiKeys.customerId, customerId);

export async function readKey(db: Database, customerId: CustomerId, id: KeyId): Promise<KeyView | null> {
  const query = selectKeys(db, and(ofCustomer(customerId), eq(apiKeys.keyId, id)));
  const [row] = await attempt("reading an API key", query);
  return row === undefined ? null : toView(row);
}

export async function listKeys(
  db: Database,
  customerId: CustomerId,
  { limit, cursor }: PageQuery,
): ReturnType<Directory["apiKeys"]> {
  const after = decodeCursor(placeSchemas.key, cursor);
  if (after === "bad_cursor") return after;
  const older = after === null ? undefined : lt(apiKeys.keyId, after[0]);
  const query = selectKeys(db, and(ofCustomer(customerId), older)).orderBy(desc(apiKeys.keyId));
  const rows = await attempt("listing API keys", query.limit(limit + 1));
  return toPage(rows.map(toView), limit, ({ key_id }) => key_id);
}

export async function countLiveKeys(db: Database, customerId: CustomerId, now: number): Promise<number> {
  const statement = sql`
    select count(*)::int as live from api_keys
    where customer_id = ${customerId} and revoked_at is null
      and (expires_at is null or expires_at > ${isoTime(now)}::timestamptz)`;
  return onlyRow(await attempt("counting API keys", db.execute<{ live: number }>(statement))).live;
}

export const issueKey = (db: Database, ...asked: Parameters<CustomerDirectory["issueKey"]>) => {
  const [lead, added, replaced, remember, now] = asked;
  const end = replaced === null ? sql.empty() : sql`, ended as (${endKey(lead, replaced)})`;
  const ctes = sql`added as (${insertKey(lead, added)}) ${end} ${remembered(lead, remember, now)}`;
  return onlyWritten(asLeader(db, lead, "adding an API key", ctes));
};

const insertKey = ({ customerId }: Lead, { key, keyHash }: NewKey): SQL => sql`
  insert into api_keys (customer_id, key_id, key_hash, name, scopes, created_at, expires_at)
  select ${customerId}, ${key.key_id}, ${keyHash}, ${key.name}, ${sql.param(key.scopes)}::text[],
    ${key.created_at}::timestamptz, ${key.expires_at}::timestamptz
  from leader`;

/** `least` passes over null: a key that never expired does so now. */
const endKey = ({ customerId }: Lead, { keyId, expiresAt }: { keyId: KeyId; expiresAt: number }): SQL => sql`
  update api_keys set expires_at = least(expires_at, ${isoTime(expiresAt)}::timestamptz)
  where customer_id = ${customerId} and key_id = ${keyId} and ${byLeader}`;

export async function revokeKey(
  db: Database,
  lead: Lead,
  keyId: KeyId,
  now: number,
): ReturnType<CustomerDirectory["revokeKey"]> {
  const ctes = sql`revoked as (
    update api_keys set revoked_at = coalesce(revoked_at, ${isoTime(now)}::timestamptz)
    where customer_id = ${lead.customerId} and key_id = ${keyId} and ${byLeader} returning 1)`;
  const answer = sql`, exists (select from revoked) as known`;
  const outcome = await asLeader<{ known: boolean }>(db, lead, "revoking an API key", ctes, answer);
  if (outcome.kind === "not_leader") return outcome;
  return written(outcome.value.known ? "revoked" : "unknown");
}
