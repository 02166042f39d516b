/** Which workloads an operation by filter means, newest first. */
import { and, type Column, desc, eq, gte, lt, or, type SQL, sql } from "drizzle-orm";
import type { CustomerId } from "../../../schema/ids.ts";
import { heldStatuses, queuedStatuses, terminalStatuses, type WorkloadStatus } from "../../../schema/status.ts";
import { workloads } from "../../../schema/tables/workloads.ts";
import type { Workload } from "../../domain/workload.ts";
import { splitLabel } from "../list-query.ts";
import type { Selection } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { selectWorkloads, toWorkload } from "./workload-rows.ts";

export async function selectMeant(
  db: Database,
  customerId: CustomerId,
  selection: Selection,
  max: number,
): Promise<readonly Workload[]> {
  const notRetried = selection.notRetried === true ? isNotRetried(customerId) : undefined;
  const where = and(eq(workloads.customerId, customerId), ...conditions(selection), notRetried);
  const query = selectWorkloads(db, where).orderBy(desc(workloads.workloadId)).limit(max);
  return (await attempt("reading what an operation means", query)).map(toWorkload);
}

const isNotRetried = (customerId: CustomerId): SQL => sql`not exists (
  select from workloads r where r.customer_id = ${customerId} and r.retried_from = ${workloads.workloadId})`;

function conditions({ statuses, notIntended, types, pools, ...filter }: Selection): (SQL | undefined)[] {
  const { workloadType, createdAfter, createdBefore, labels = [] } = filter;
  return [
    inStatus(statuses),
    notIntended === undefined ? undefined : sql`${workloads.intent} ->> 'kind' is distinct from ${notIntended}`,
    types === undefined ? undefined : isAmong(workloads.workloadType, types),
    pools === undefined ? undefined : isAmong(workloads.pool, pools),
    workloadType === undefined ? undefined : eq(workloads.workloadType, workloadType),
    createdAfter === undefined ? undefined : gte(workloads.createdAt, new Date(createdAfter)),
    createdBefore === undefined ? undefined : lt(workloads.createdAt, new Date(createdBefore)),
    ...labels.map(hasLabel),
  ];
}

const isAmong = (column: Column, names: readonly string[]): SQL => sql`${column} = any(${sql.param(names)}::text[])`;

export type StatusGroups = readonly (readonly WorkloadStatus[])[];
const open: StatusGroups = [queuedStatuses, heldStatuses, ["PAUSED"]];
/** The statuses that a partial index holds together. */
export const indexed: StatusGroups = [...open, ["FAILED", "CANCELLED"], ["COMPLETED"]];
/** Those of what is over are in the order of priority there. */
export const inPriority: StatusGroups = [...open, terminalStatuses];

/** These statuses, by group; a group that has none of them is missing. */
export const groupsOf = (statuses: readonly WorkloadStatus[], groups: StatusGroups): StatusGroups =>
  groups.map((group) => group.filter((status) => statuses.includes(status))).filter((group) => group.length > 0);

/** As literals: a parameter would hide from Postgres that a partial index fits. */
export const oneOf = (statuses: readonly WorkloadStatus[]): SQL =>
  sql`status in (${sql.raw(statuses.map((status) => `'${status}'`).join(", "))})`;

/** Undefined: any. */
export function inStatus(statuses: readonly WorkloadStatus[] | undefined): SQL | undefined {
  if (statuses === undefined) return undefined;
  const groups = groupsOf(statuses, indexed);
  return groups.length === 0 ? sql`false` : or(...groups.map(oneOf));
}

export function hasLabel(label: string): SQL {
  const { name, value } = splitLabel(label);
  if (value === null) return sql`jsonb_exists(${workloads.labels}, ${name})`;
  return sql`${workloads.labels} @> ${JSON.stringify({ [name]: value })}::jsonb`;
}
