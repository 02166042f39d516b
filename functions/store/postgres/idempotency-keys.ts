/** What an idempotency key stands for: the body it came with, and the workloads that it made. */
import { type SQL, sql } from "drizzle-orm";
import type { CustomerId } from "../../../schema/ids.ts";
import { idempotencyKeyHoursDefault } from "../../../schema/limits.ts";
import type { CustomerStore, Submitted } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";

/** Older keys count as absent. */
export const keyMs = idempotencyKeyHoursDefault * 3_600_000;

export interface KnownKey {
  readonly bodySha256: string;
  /** Milliseconds since the epoch, as text or number: a bigint of Postgres. */
  readonly createdAt: number | string;
  readonly submitted: readonly Submitted[];
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
  customerId: CustomerId,
  keys: readonly string[],
): Promise<ReadonlyMap<string, KnownKey>> {
  if (keys.length === 0) return new Map();
  const { rows } = await attempt(
    "reading idempotency keys",
    db.execute<KeyRow>(sql`
      select k.idempotency_key as key, k.body_sha256 as "bodySha256", ${submitted} as submitted,
        ${milliseconds(sql`k.created_at`)} as "createdAt"
      from idempotency_keys k
      where k.customer_id = ${customerId} and k.idempotency_key = any(${sql.param(keys)}::text[])`),
  );
  return new Map(rows.map((row) => [row.key, row]));
}

export async function submittedUnder(
  db: Database,
  customerId: CustomerId,
  { key, bodySha256 }: Parameters<CustomerStore["submittedUnder"]>[1],
  now: number,
): ReturnType<CustomerStore["submittedUnder"]> {
  const known = (await findKeys(db, customerId, [key])).get(key);
  if (known === undefined || Number(known.createdAt) <= now - keyMs) return null;
  return known.bodySha256 === bodySha256 ? { kind: "replayed", submitted: known.submitted } : { kind: "conflict" };
}
