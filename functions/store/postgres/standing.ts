/** What an explanation needs beside the workload itself: how many go before it, and who brought it where it is. */
import { and, desc, eq, sql } from "drizzle-orm";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import type { ActorType, WorkloadEventType } from "../../../schema/status.ts";
import { auditEvents } from "../../../schema/tables/records.ts";
import type { Recorded } from "../../domain/explain.ts";
import type { Ahead, Place } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { jsonText, parseJson } from "./json-column.ts";
import { isReadyRow, lineOf } from "./queue-lines.ts";
import { onlyRow } from "./rows.ts";

/** As an alias, which rows of any statement may be. */
type AheadRow = { inAll: number; inLine: number };

export async function countAhead(db: Database, customerId: CustomerId, place: Place, now: number): Promise<Ahead> {
  const { queueRank, workloadId } = place;
  const statement = sql`
    select count(*)::int as "inAll", (count(*) filter (where queue_line = ${lineOf(place)}))::int as "inLine"
    from workloads
    where ${isReadyRow(customerId, now)} and (queue_rank, workload_id) < (${queueRank}::bigint, ${workloadId}::text)`;
  return onlyRow(await attempt("counting who goes first", db.execute<AheadRow>(statement)));
}

/** The newest of that type; the table's checks guarantee what the cast says. */
export async function lastEvent(
  db: Database,
  customerId: CustomerId,
  id: WorkloadId,
  eventType: WorkloadEventType,
): Promise<Recorded | null> {
  const { actorType, actorId, generation, createdAt } = auditEvents;
  const query = db
    .select({ actorType, actorId, generation, createdAt, details: jsonText(auditEvents.details) })
    .from(auditEvents)
    .where(
      and(eq(auditEvents.customerId, customerId), eq(auditEvents.workloadId, id), eq(auditEvents.eventType, eventType)),
    )
    .orderBy(desc(auditEvents.eventId))
    .limit(1);
  const [row] = await attempt("reading an audit event", query);
  if (row === undefined) return null;
  const actor = { type: row.actorType as ActorType, id: row.actorId };
  return { eventType, generation: row.generation, actor, at: row.createdAt.getTime(), details: parseJson(row.details) };
}
