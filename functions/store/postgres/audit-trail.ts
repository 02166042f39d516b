/** The audit trail of one workload, in order, page by page. */
import { and, asc, eq, gt, sql } from "drizzle-orm";
import type { AuditQuery } from "../../../schema/http/workload.ts";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import type { ActorType } from "../../../schema/status.ts";
import { auditEvents } from "../../../schema/tables/records.ts";
import { decodeCursor, pageOf } from "../cursor.ts";
import { auditPlaceSchema } from "../list-query.ts";
import type { AuditView, Page } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { jsonText, parseJson } from "./json-column.ts";
import { isThere } from "./workload-rows.ts";

/** Null: no such workload of this customer. */
export async function readAudit(
  db: Database,
  customerId: CustomerId,
  id: WorkloadId,
  { limit, cursor }: AuditQuery,
): Promise<Page<AuditView> | "bad_cursor" | null> {
  const after = decodeCursor(auditPlaceSchema(id), cursor);
  if (after === "bad_cursor") return "bad_cursor";
  const events = eventsAfter(db, customerId, id, after?.[2] ?? 0, limit + 1);
  const found = db
    .select()
    .from(isThere(db, customerId, id).as("there"))
    .leftJoin(events, sql`true`)
    .orderBy(asc(events.event_id));
  const rows = await attempt("reading an audit trail", found);
  if (rows.length === 0) return null;
  const trail = rows.flatMap(({ events: event }) => event ?? []);
  const page = pageOf(trail, limit, ({ event_id }) => ["audit", id, Number(event_id)]);
  return { ...page, items: page.items.map(toView) };
}

const eventsAfter = (db: Database, customerId: CustomerId, id: WorkloadId, eventId: number, count: number) =>
  db
    .select({
      event_id: auditEvents.eventId,
      event_type: auditEvents.eventType,
      createdAt: auditEvents.createdAt,
      actor_type: auditEvents.actorType,
      actor_id: auditEvents.actorId,
      generation: auditEvents.generation,
      details: jsonText(auditEvents.details).as("details"),
    })
    .from(auditEvents)
    .where(
      and(
        eq(auditEvents.customerId, customerId),
        eq(auditEvents.workloadId, id),
        gt(auditEvents.eventId, BigInt(eventId)),
      ),
    )
    .orderBy(asc(auditEvents.eventId))
    .limit(count)
    .as("events");

interface EventRow extends Pick<AuditView, "event_type" | "actor_id" | "generation"> {
  readonly event_id: bigint;
  readonly actor_type: string;
  readonly createdAt: Date;
  readonly details: string | null;
}

const toView = ({ event_id, createdAt, details, ...row }: EventRow): AuditView => ({
  ...row,
  event_id: String(event_id),
  timestamp: createdAt.toISOString(),
  actor_type: row.actor_type as ActorType, // the table's check holds no other
  details: parseJson(details),
});
