/** Audit events in memory: numbered when they are written, and never changed. */
import type { AuditEntry } from "../../domain/workload.ts";
import type { AuditView } from "../store.ts";
import type { Rows } from "./rows.ts";

export const auditViews = (rows: Rows, entries: readonly AuditEntry[]): AuditView[] =>
  entries.map(({ eventType, actor, generation, at, details }) => ({
    event_id: rows.nextEventId(),
    event_type: eventType,
    timestamp: new Date(at).toISOString(),
    actor_type: actor.type,
    actor_id: actor.id,
    generation,
    details,
  }));
