/** Workload types of a customer. */
import { and, desc, eq, lt, type SQL, sql } from "drizzle-orm";
import type { ConfigView } from "../../../../schema/http/config.ts";
import type { PageQuery } from "../../../../schema/http/page.ts";
import type { ConfigId, CustomerId } from "../../../../schema/ids.ts";
import { workloadConfigs } from "../../../../schema/tables/workload-configs.ts";
import { decodeCursor } from "../../cursor.ts";
import type { CustomerDirectory, Directory } from "../../directory.ts";
import { placeSchemas, toPage } from "../../directory-views.ts";
import type { Lead, Remembered, Written } from "../../store.ts";
import type { Database } from "../database.ts";
import { attempt } from "../failure.ts";
import { jsonText, parseJson } from "../json-column.ts";
import { written } from "../leader.ts";
import { jsonOf } from "../rows.ts";
import { asLeader, byLeader, onlyWritten, remembered } from "./writing.ts";

const selectTypes = (db: Database, where: SQL | undefined) =>
  db
    .select({
      configId: workloadConfigs.configId,
      workloadType: workloadConfigs.workloadType,
      description: workloadConfigs.description,
      config: jsonText(workloadConfigs.configJson),
      resources: workloadConfigs.resourceLimits,
      checkpointIntervalSec: workloadConfigs.checkpointIntervalSec,
      checkpointProgressPercent: workloadConfigs.checkpointProgressPercent,
      maxRetries: workloadConfigs.maxRetries,
      retryBaseMs: workloadConfigs.retryBaseMs,
      retryCapMs: workloadConfigs.retryCapMs,
      timeoutSeconds: workloadConfigs.timeoutSeconds,
      createdAt: workloadConfigs.createdAt,
      updatedAt: workloadConfigs.updatedAt,
    })
    .from(workloadConfigs)
    .where(where);
type TypeRow = Awaited<ReturnType<typeof selectTypes>>[number];

const toView = (row: TypeRow): ConfigView => ({
  config_id: row.configId as ConfigId, // the table holds no other
  workload_type: row.workloadType,
  description: row.description,
  config_json: parseJson(row.config),
  resource_limits: row.resources,
  checkpoint_interval_sec: row.checkpointIntervalSec,
  checkpoint_progress_percent: row.checkpointProgressPercent,
  max_retries: row.maxRetries,
  retry_backoff: { base_ms: row.retryBaseMs, cap_ms: row.retryCapMs },
  timeout_seconds: row.timeoutSeconds,
  created_at: row.createdAt.toISOString(),
  updated_at: row.updatedAt.toISOString(),
});

const ofCustomer = (customerId: CustomerId) => eq(workloadConfigs.customerId, customerId);

export async function readType(db: Database, customerId: CustomerId, id: ConfigId): Promise<ConfigView | null> {
  const query = selectTypes(db, and(ofCustomer(customerId), eq(workloadConfigs.configId, id)));
  const [row] = await attempt("reading a workload type", query);
  return row === undefined ? null : toView(row);
}

export async function listTypes(
  db: Database,
  customerId: CustomerId,
  { limit, cursor }: PageQuery,
): ReturnType<Directory["workloadTypes"]> {
  const after = decodeCursor(placeSchemas.config, cursor);
  if (after === "bad_cursor") return after;
  const older = after === null ? undefined : lt(workloadConfigs.configId, after[0]);
  const query = selectTypes(db, and(ofCustomer(customerId), older)).orderBy(desc(workloadConfigs.configId));
  const rows = await attempt("listing workload types", query.limit(limit + 1));
  return toPage(rows.map(toView), limit, ({ config_id }) => config_id);
}

export const putType = (
  db: Database,
  lead: Lead,
  type: ConfigView,
  remember: Remembered | null,
  now: number,
): Promise<Written<null>> =>
  onlyWritten(
    asLeader(
      db,
      lead,
      "writing a workload type",
      sql`put as (${upsert(lead, type)}) ${remembered(lead, remember, now)}`,
    ),
  );

const upsert = ({ customerId }: Lead, type: ConfigView): SQL => sql`
  insert into workload_configs (
    customer_id, config_id, workload_type, description, config_json, resource_limits, checkpoint_interval_sec,
    checkpoint_progress_percent, max_retries, retry_base_ms, retry_cap_ms, timeout_seconds, created_at, updated_at)
  select
    ${customerId}, ${type.config_id}, ${type.workload_type}, ${type.description}, ${jsonOf(type.config_json)}::jsonb,
    ${jsonOf(type.resource_limits)}::jsonb, ${type.checkpoint_interval_sec}::int,
    ${type.checkpoint_progress_percent}::int, ${type.max_retries}::int, ${type.retry_backoff.base_ms}::int,
    ${type.retry_backoff.cap_ms}::int, ${type.timeout_seconds}::int, ${type.created_at}::timestamptz,
    ${type.updated_at}::timestamptz
  from leader
  on conflict (customer_id, config_id) do update set
    workload_type = excluded.workload_type, description = excluded.description, config_json = excluded.config_json,
    resource_limits = excluded.resource_limits, checkpoint_interval_sec = excluded.checkpoint_interval_sec,
    checkpoint_progress_percent = excluded.checkpoint_progress_percent, max_retries = excluded.max_retries,
    retry_base_ms = excluded.retry_base_ms, retry_cap_ms = excluded.retry_cap_ms,
    timeout_seconds = excluded.timeout_seconds, updated_at = excluded.updated_at`;

/** The coordinator inserts workloads in the same lane, so none of this type can come while it is deleted. */
export async function deleteType(
  db: Database,
  lead: Lead,
  type: Parameters<CustomerDirectory["deleteType"]>[1],
): ReturnType<CustomerDirectory["deleteType"]> {
  const { customerId } = lead;
  const ctes = sql`
    used as (select 1 from workloads
      where customer_id = ${customerId} and workload_type = ${type.workload_type} and ${byLeader} limit 1),
    gone as (delete from workload_configs
      where customer_id = ${customerId} and config_id = ${type.config_id} and ${byLeader} and not exists (select from used))`;
  const answer = sql`, exists (select from used) as used`;
  const outcome = await asLeader<{ used: boolean }>(db, lead, "deleting a workload type", ctes, answer);
  if (outcome.kind === "not_leader") return outcome;
  return written(outcome.value.used ? "in_use" : "deleted");
}
