/** What an idempotency key stands for: the body it came with, and the workloads that it made. */
import { type SQL, sql } from "drizzle-orm";
import type { CustomerId } from "../../../schema/ids.ts";
import type { Submitted } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";

export interface KnownKey {
  readonly bodySha256: string;
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
      select k.idempotency_key as key, k.body_sha256 as "bodySha256", ${submitted} as submitted
      from idempotency_keys k
      where k.customer_id = ${customerId} and k.idempotency_key = any(${sql.param(keys)}::text[])`),
  );
  return new Map(rows.map((row) => [row.key, row]));
}
