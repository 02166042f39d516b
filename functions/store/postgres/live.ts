/** What live updates read on from: the audit trail and the log lines, in the order in which they were written. */
import { type SQL, sql } from "drizzle-orm";
import type { LiveWorkload } from "../../../schema/http/live.ts";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import type { Json } from "../../../schema/json.ts";
import type { LiveEvent, LiveLine, WorkloadNews, WorkloadPlace } from "../../domain/live.ts";
import type { LiveStart } from "../live-store.ts";
import { endOfKey } from "./api-keys.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { parseJson } from "./json-column.ts";
import { ms, onlyRow, unnested } from "./rows.ts";

interface AllStartRow extends Record<string, unknown> {
  readonly event_id: string;
  readonly suspended: boolean;
  readonly key_ends_at: number | string | null;
}

interface StartRow extends AllStartRow {
  readonly workload: LiveWorkload;
  readonly generation: number | null;
  readonly line: number | null;
}

export async function liveStart(
  db: Database,
  customerId: CustomerId,
  workloadId: WorkloadId | null,
  principalId: string,
): Promise<LiveStart | null> {
  if (workloadId === null) return startOfAll(db, customerId, principalId);
  const { rows } = await attempt(
    "finding the start of a stream",
    db.execute<StartRow>(startOf(customerId, workloadId, principalId)),
  );
  const [row] = rows;
  if (row === undefined) return null;
  const { workload, event_id: eventId, generation, line } = row;
  return {
    place: { eventId: Number(eventId), generation: generation ?? 0, line: line ?? 0 },
    workload: { ...workload, updated_at: new Date(workload.updated_at).toISOString() },
    ...lettingIn(row),
  };
}

const lettingIn = ({ suspended, key_ends_at: at }: AllStartRow): Pick<LiveStart, "suspended" | "keyEndsAt"> => ({
  suspended,
  keyEndsAt: at === null ? null : Number(at),
});

async function startOfAll(db: Database, customerId: CustomerId, principalId: string): Promise<LiveStart | null> {
  const newest = sql`
    select suspended_at is not null as suspended, ${endOfKey(customerId, principalId)} as key_ends_at,
      (select coalesce(max(event_id), 0)::text from audit_events
        where customer_id = ${customerId} and workload_id is not null) as event_id
    from customers where customer_id = ${customerId}`;
  const { rows } = await attempt("finding the start of a stream", db.execute<AllStartRow>(newest));
  const [row] = rows;
  if (row === undefined) return null;
  const place = { eventId: Number(row.event_id), generation: 0, line: 0 };
  return { place, workload: null, ...lettingIn(row) };
}

/** One statement, so that the state and the place are of one moment. */
const startOf = (customerId: CustomerId, workloadId: WorkloadId, principalId: string): SQL => sql`
  select json_build_object(
      'workload_id', w.workload_id, 'workload_type', w.workload_type, 'status', w.status,
      'progress_percent', w.progress_percent, 'progress_message', w.progress_message, 'worker_id', w.worker_id,
      'generation', w.generation, 'checkpoint_sequence', w.checkpoint_sequence,
      'error', case when w.error_type is not null then
        json_build_object('type', w.error_type, 'message', coalesce(w.error_message, '')) end,
      'updated_at', w.updated_at) as workload,
    (select coalesce(max(e.event_id), 0)::text from audit_events e
      where e.customer_id = ${customerId} and e.workload_id = ${workloadId}) as event_id,
    l.generation, l.line, c.suspended_at is not null as suspended,
    ${endOfKey(customerId, principalId)} as key_ends_at
  from workloads w
  join customers c on c.customer_id = w.customer_id
  left join lateral (
    select generation, line from workload_logs
    where customer_id = ${customerId} and workload_id = ${workloadId}
    order by generation desc, line desc limit 1) l on true
  where w.customer_id = ${customerId} and w.workload_id = ${workloadId}`;

interface EventsRow extends Record<string, unknown> {
  readonly events: readonly Numbered<LiveEvent>[] | null;
}

export async function eventsAfter(
  db: Database,
  customerId: CustomerId,
  eventId: number,
  limit: number,
): Promise<readonly LiveEvent[]> {
  const statement = sql`
    with page as materialized (
      select 1 as n, a.* from audit_events a
      where customer_id = ${customerId} and event_id > ${eventId} and workload_id is not null
      order by event_id limit ${limit})
    select ${told(customerId)} as events`;
  const { events } = onlyRow(await attempt("reading on in an audit trail", db.execute<EventsRow>(statement)));
  return byPlace(events ?? [])(0);
}

const quiet = sql`('workload.created', 'workload.progress_updated', 'workload.checkpoint_created')`;
const before = sql`b.event_type not in ('workload.progress_updated', 'workload.checkpoint_created', 'workload.moved')`;

/** The events of the CTE `page` with what their messages need of earlier ones; found by the index of a workload's events. */
const told = (customerId: CustomerId): SQL => sql`(
  select json_agg(json_build_object('n', p.n, 'row', json_build_object(
    'eventId', p.event_id, 'workloadId', p.workload_id, 'eventType', p.event_type, 'actorId', p.actor_id,
    'generation', p.generation, 'details', p.details, 'at', ${ms(sql`p.created_at`)},
    'before', b.status, 'progress', g.details)) order by p.event_id)
  from page p
  left join lateral (
    select json_build_object('eventType', b.event_type, 'reason', b.details ->> 'reason', 'moved', exists (
      select from audit_events m
      where m.customer_id = ${customerId} and m.workload_id = p.workload_id
        and m.event_id > b.event_id and m.event_id < p.event_id and m.event_type = 'workload.moved')) as status
    from audit_events b
    where p.event_type not in ${quiet} and b.customer_id = ${customerId} and b.workload_id = p.workload_id
      and b.event_id < p.event_id and ${before}
    order by b.event_id desc limit 1) b on true
  left join lateral (
    select g.details from audit_events g
    where p.event_type not in ${quiet} and g.customer_id = ${customerId} and g.workload_id = p.workload_id
      and g.event_id < p.event_id and g.event_type = 'workload.progress_updated'
    order by g.event_id desc limit 1) g on true)`;

/** `n`: the number of the place that it was read for, from 1. */
interface Numbered<T> {
  readonly n: number;
  readonly row: T;
}

interface NewsRow extends EventsRow {
  readonly lines: readonly Numbered<LiveLine>[] | null;
}

/** One statement, so that a line is never read without the events that stand before it. */
export async function newsAfter(
  db: Database,
  customerId: CustomerId,
  places: readonly WorkloadPlace[],
  limit: number,
): Promise<readonly WorkloadNews[]> {
  if (places.length === 0) return [];
  const statement = newsStatement(customerId, places, limit);
  const { events, lines } = onlyRow(await attempt("reading on in workloads", db.execute<NewsRow>(statement)));
  const [eventsOf, linesOf] = [byPlace(events ?? []), byPlace(lines ?? [])];
  return places.map((_, index) => ({ events: eventsOf(index), lines: linesOf(index) }));
}

const placeTypes = { id: "text", event_id: "bigint", generation: "int", line: "int" } as const;

const newsStatement = (customerId: CustomerId, places: readonly WorkloadPlace[], limit: number): SQL => sql`
  with place as materialized (select s.* from ${unnested("s", placeTypes, places.map(placeRow))}),
  page as materialized (
    select place.n, e.* from place cross join lateral (
      select * from audit_events a
      where a.customer_id = ${customerId} and a.workload_id = place.id and a.event_id > place.event_id
      order by a.event_id limit ${limit}) e),
  line as materialized (
    select place.n, l.* from place cross join lateral (
      select * from workload_logs g
      where g.customer_id = ${customerId} and g.workload_id = place.id
        and (g.generation, g.line) > (place.generation, place.line)
      order by g.generation, g.line limit ${limit}) l)
  select ${told(customerId)} as events, (
    select json_agg(json_build_object('n', n, 'row', json_build_object(
      'generation', generation, 'line', line, 'at', ${ms(sql`logged_at`)},
      'level', level, 'message', message, 'details', details)) order by generation, line)
    from line) as lines`;

const placeRow = ({ workloadId: id, eventId: event_id, generation, line }: WorkloadPlace) => ({
  id,
  event_id,
  generation,
  line,
});

function byPlace<T>(rows: readonly Numbered<T>[]): (index: number) => readonly T[] {
  const groups = Map.groupBy(rows, ({ n }) => n - 1);
  return (index) => (groups.get(index) ?? []).map(({ row }) => row);
}

interface ResultRow extends Record<string, unknown> {
  readonly workload_id: WorkloadId;
  readonly result: string | null;
}

export async function readResults(
  db: Database,
  customerId: CustomerId,
  ids: readonly WorkloadId[],
): Promise<ReadonlyMap<WorkloadId, Json>> {
  const statement = sql`
    select workload_id, result_data::text as result from workloads
    where customer_id = ${customerId} and workload_id = any(${sql.param(ids)}::text[]) and status = 'COMPLETED'`;
  const { rows } = await attempt("reading results", db.execute<ResultRow>(statement));
  return new Map(rows.map(({ workload_id, result }) => [workload_id, parseJson(result)]));
}
