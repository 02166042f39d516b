/** Audit rows as statements write them: of exactly the workloads that the same statement has changed. */
import { type SQL, sql } from "drizzle-orm";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import type { AuditEntry } from "../../domain/workload.ts";
import { isoTime, jsonOf, unnested } from "./rows.ts";

interface Audited {
  readonly workloadId: WorkloadId;
  readonly audit: readonly AuditEntry[];
}

const types = {
  id: "text",
  event: "text",
  actor_type: "text",
  actor: "text",
  generation: "int",
  details: "jsonb",
  at: "timestamptz",
} as const;

/** An INSERT for a CTE; `changed` names the CTE with the workload ids that were written, `where` what is left out. */
export const insertAudit = (
  customerId: CustomerId,
  audited: readonly Audited[],
  changed: SQL,
  where: SQL = sql.empty(),
): SQL => sql`
  insert into audit_events (customer_id, workload_id, event_type, actor_type, actor_id, generation, details, created_at)
  select ${customerId}, a.id, a.event, a.actor_type, a.actor, a.generation, a.details, a.at
  from ${unnested("a", types, audited.flatMap(auditRows))} join ${changed} on ${changed}.workload_id = a.id
  ${where}
  order by a.n`;

const auditRows = ({ workloadId: id, audit }: Audited) =>
  audit.map(({ eventType, actor, generation, details, at }) => ({
    id,
    event: eventType,
    actor_type: actor.type,
    actor: actor.id,
    generation,
    details: jsonOf(details),
    at: isoTime(at),
  }));
