/** Audit rows as statements write them: of exactly the workloads that the same statement has changed. */
import { type SQL, sql } from "drizzle-orm";
import type { CustomerId, WorkloadId } from "../../../schema/ids.ts";
import type { AuditEntry } from "../../domain/workload.ts";
import { isoTime, recordset, type SentRow } from "./rows.ts";

interface Audited {
  readonly workloadId: WorkloadId;
  readonly audit: readonly AuditEntry[];
}

const columns = sql`
  a(n int, id text, event text, actor_type text, actor text, generation int, details jsonb, at timestamptz)`;

/** An INSERT for a CTE; `changed` names the CTE with the workload ids that were written, `where` what is left out. */
export const insertAudit = (
  customerId: CustomerId,
  audited: readonly Audited[],
  changed: SQL,
  where: SQL = sql.empty(),
): SQL => sql`
  insert into audit_events (customer_id, workload_id, event_type, actor_type, actor_id, generation, details, created_at)
  select ${customerId}, a.id, a.event, a.actor_type, a.actor, a.generation, coalesce(a.details, 'null'), a.at
  from ${recordset(auditRows(audited), columns)} join ${changed} on ${changed}.workload_id = a.id
  ${where}
  order by a.n`;

function auditRows(audited: readonly Audited[]): SentRow[] {
  return audited.flatMap(({ workloadId, audit }) => audit.map((entry) => auditRow(workloadId, entry))).map(numbered);
}

const auditRow = (id: WorkloadId, entry: AuditEntry): SentRow => ({
  id,
  event: entry.eventType,
  actor_type: entry.actor.type,
  actor: entry.actor.id,
  generation: entry.generation,
  details: entry.details,
  at: isoTime(entry.at),
});

const numbered = (row: SentRow, n: number): SentRow => ({ n, ...row });
