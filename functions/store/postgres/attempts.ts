/** The attempts at one workload, page by page: of its audit trail only what tells of them is read. */
import { type SQL, sql } from "drizzle-orm";
import type { AttemptQuery, AttemptView } from "../../../schema/http/attempt.ts";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import { attemptEventsMax, attemptsOf, beginningTypes, passingTypes, type TrailEvent } from "../../domain/attempts.ts";
import { decodeCursor, pageOf } from "../cursor.ts";
import { attemptPlaceSchema } from "../list-query.ts";
import type { Page } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { isThere } from "./workload-rows.ts";

/** Null: the workload is there, and has no attempts on this page. As an alias, which rows of any statement may be. */
type EventRow = { event: (Omit<TrailEvent, "timestamp"> & { readonly at: number }) | null };

/** Null: no such workload of this customer. */
export async function readAttempts(
  db: Database,
  customerId: CustomerId,
  id: WorkloadId,
  { limit, cursor }: AttemptQuery,
): Promise<Page<AttemptView> | "bad_cursor" | null> {
  const after = decodeCursor(attemptPlaceSchema(id), cursor);
  if (after === "bad_cursor") return "bad_cursor";
  const statement = attemptEvents(db, customerId, id, after?.[2] ?? 0, limit + 1);
  const { rows } = await attempt("reading attempts", db.execute<EventRow>(statement));
  if (rows.length === 0) return null;
  return pageOf(attemptsOf(rows.flatMap(toEvent)), limit, ({ generation }) => ["attempts", id, generation]);
}

const toEvent = ({ event }: EventRow): TrailEvent[] =>
  event === null ? [] : [{ ...event, timestamp: new Date(event.at).toISOString() }];

/**
 * Of each attempt after that generation its first events, and before them the newest checkpoint since the attempt before
 * it; the first one's may be of any earlier attempt. So each part of the trail is walked once for each of the three, and
 * however long it is, a few rows an attempt come out of it. Both bounds of a part are columns: row-level security keeps an
 * expression such as `coalesce` out of the index, and then each attempt walks all that follows it.
 */
const attemptEvents = (
  db: Database,
  customerId: CustomerId,
  id: WorkloadId,
  generation: number,
  count: number,
): SQL => {
  const trail = sql`select * from audit_events where customer_id = ${customerId} and workload_id = ${id}`;
  return sql`
  with begun as materialized (
    select event_id as at, lag(event_id, 1, 0::bigint) over trail as before,
      lead(event_id, 1, ${endOfTrail}::bigint) over trail as next
    from (${trail} and event_type = 'workload.scheduled' and generation > ${generation}
      order by event_id limit ${count}) scheduled
    window trail as (order by event_id)),
  told as (
    select e.* from begun cross join lateral (
      (${trail} and event_type = any(${sql.param(beginningTypes)}::text[])
        and event_id < begun.at and event_id > begun.before order by event_id desc limit 1)
      union all
      (${trail} and event_type <> all(${sql.param(passingTypes)}::text[])
        and event_id >= begun.at and event_id < begun.next
        order by event_id limit ${attemptEventsMax})) e)
  select case when t.event_id is not null then json_build_object('event_type', t.event_type,
    'at', (extract(epoch from t.created_at) * 1000)::bigint, 'generation', t.generation, 'details', t.details) end as event
  from ${isThere(db, customerId, id)} there left join told t on true
  order by t.event_id`;
};

/** The largest number that a column of type bigint holds. */
const endOfTrail = "9223372036854775807";
