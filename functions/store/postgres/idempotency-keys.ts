/** What an idempotency key stands for: the body it came with, and the workloads that it made or the answer that it got. */
import { type SQL, sql } from "drizzle-orm";
import { idempotencyKeyHoursDefault } from "../../../schema/limits.ts";
import type { CustomerStore, IdempotencyKey, Lead, Remembered, Submitted } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { parseJson } from "./json-column.ts";
import { isLeader, leaderCte } from "./leader.ts";
import { isoTime, jsonOf } from "./rows.ts";

/** Older keys count as absent. */
const keyMs = idempotencyKeyHoursDefault * 3_600_000;

export interface KnownKey {
  readonly bodySha256: string;
  /** Milliseconds since the epoch, as text or number: a bigint of Postgres. */
  readonly createdAt: number | string;
  /** Null where it stands for an answer. */
  readonly submitted: readonly Submitted[] | null;
  /** JSON; null: of a plain submission. */
  readonly reply: string | null;
}

interface KeyRow extends Record<string, unknown>, KnownKey {
  readonly key: string;
}

const milliseconds = (time: SQL): SQL => sql`(extract(epoch from ${time}) * 1000)::bigint`;

/** A workload that is archived already answers with the time of its key. */
const submitted = sql`(
  select json_agg(json_build_object(
    'workloadId', i.id,
    'createdAt', ${milliseconds(sql`coalesce(w.created_at, k.created_at)`)},
    'runAt', ${milliseconds(sql`w.run_at`)}) order by i.place)
  from unnest(k.workload_ids) with ordinality as i(id, place)
  left join workloads w
    on w.customer_id = k.customer_id and w.workload_id = any(k.workload_ids) and w.workload_id = i.id)`;

export async function findKeys(
  db: Database,
  customerId: string,
  keys: readonly string[],
): Promise<ReadonlyMap<string, KnownKey>> {
  if (keys.length === 0) return new Map();
  const { rows } = await attempt(
    "reading idempotency keys",
    db.execute<KeyRow>(sql`
      select k.idempotency_key as key, k.body_sha256 as "bodySha256", ${submitted} as submitted,
        k.reply::text as reply, ${milliseconds(sql`k.created_at`)} as "createdAt"
      from idempotency_keys k
      where k.customer_id = ${customerId} and k.idempotency_key = any(${sql.param(keys)}::text[])`),
  );
  return new Map(rows.map((row) => [row.key, row]));
}

type Verb<Name extends "submittedUnder" | "replyUnder"> = (
  db: Database,
  ...asked: Parameters<CustomerStore[Name]>
) => ReturnType<CustomerStore[Name]>;

async function findYoung(db: Database, customerId: string, key: string, now: number): Promise<KnownKey | null> {
  const known = (await findKeys(db, customerId, [key])).get(key);
  return known === undefined || Number(known.createdAt) <= now - keyMs ? null : known;
}

export const submittedUnder: Verb<"submittedUnder"> = async (db, customerId, { key, bodySha256 }, now) => {
  const known = await findYoung(db, customerId, key, now);
  if (known === null) return null;
  const { submitted: found } = known;
  return known.bodySha256 === bodySha256 && found !== null
    ? { kind: "replayed", submitted: found }
    : { kind: "conflict" };
};

export const replyUnder: Verb<"replyUnder"> = (db, customerId, idempotency, now) =>
  findReply(db, customerId, idempotency, now);

/** `owner`: whose key it is, a customer or the operator. */
export async function findReply(
  db: Database,
  owner: string,
  { key, bodySha256 }: IdempotencyKey,
  now: number,
): ReturnType<CustomerStore["replyUnder"]> {
  const known = await findYoung(db, owner, key, now);
  if (known === null) return null;
  const { reply } = known;
  return known.bodySha256 === bodySha256 && reply !== null
    ? { kind: "replayed", reply: parseJson(reply) }
    : { kind: "conflict" };
}

/** For a batch of a leader's statements. Where the key stands for something already, that stays; it was looked for before. */
export const rememberReply = (lead: Lead, remember: Remembered, now: number): SQL => sql`
  with ${leaderCte(lead)},
  remembered as (${insertReply(lead.customerId, remember, now, sql`from leader`)})
  select ${isLeader}`;

/** An INSERT for a CTE; `source` is empty where it must not be written. */
export const insertReply = (
  owner: string,
  { key, bodySha256, reply }: Remembered,
  now: number,
  source: SQL,
): SQL => sql`
  insert into idempotency_keys as k (customer_id, idempotency_key, body_sha256, reply, created_at)
  select ${owner}, ${key}, ${bodySha256}, ${jsonOf(reply)}::jsonb, ${isoTime(now)}::timestamptz ${source}
  ${takeOver(now)}`;

/** A key past its time counts as absent, and is taken over. */
export const takeOver = (now: number): SQL => sql`
  on conflict (customer_id, idempotency_key) do update set
    body_sha256 = excluded.body_sha256, workload_ids = excluded.workload_ids, reply = excluded.reply,
    created_at = excluded.created_at
  where k.created_at <= ${isoTime(now - keyMs)}::timestamptz`;
