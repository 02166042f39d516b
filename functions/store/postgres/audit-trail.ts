/** The audit trail of one workload, in order. */
import { and, asc, eq } from "drizzle-orm";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import type { ActorType } from "../../../schema/status.ts";
import { auditEvents } from "../../../schema/tables/records.ts";
import type { AuditView } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { jsonText, parseJson } from "./json-column.ts";
import { isThere } from "./workload-rows.ts";

/** Null: no such workload of this customer. */
export async function readAudit(
  db: Database,
  customerId: CustomerId,
  id: WorkloadId,
): Promise<readonly AuditView[] | null> {
  const events = db
    .select({
      event_id: auditEvents.eventId,
      event_type: auditEvents.eventType,
      createdAt: auditEvents.createdAt,
      actor_type: auditEvents.actorType,
      actor_id: auditEvents.actorId,
      generation: auditEvents.generation,
      details: jsonText(auditEvents.details),
    })
    .from(auditEvents)
    .where(and(eq(auditEvents.customerId, customerId), eq(auditEvents.workloadId, id)))
    .orderBy(asc(auditEvents.eventId));
  const [there, rows] = await attempt("reading an audit trail", db.batch([isThere(db, customerId, id), events]));
  if (there.length === 0) return null;
  return rows.map(({ event_id, createdAt, details, ...row }) => ({
    ...row,
    event_id: String(event_id),
    timestamp: createdAt.toISOString(),
    actor_type: row.actor_type as ActorType, // the table's check holds no other
    details: parseJson(details),
  }));
}
