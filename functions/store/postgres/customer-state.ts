/** The start of a coordinator: the next epoch, then everything it decides by, read after the epoch was taken. */
import { and, eq, sql } from "drizzle-orm";
import type { CustomerId } from "../../../schema/ids.ts";
import type { Tier } from "../../../schema/status.ts";
import { customers } from "../../../schema/tables/customers.ts";
import { workloadConfigs } from "../../../schema/tables/workload-configs.ts";
import { workloads } from "../../../schema/tables/workloads.ts";
import { limitsOf } from "../../../schema/tiers.ts";
import type { Customer, WorkloadType } from "../../domain/customer.ts";
import type { CustomerState } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { jsonText, parseJson } from "./json-column.ts";
import { customerScope } from "./leader.ts";
import { selectDelayed, selectHeld, selectReady, toWindow } from "./queue.ts";
import { isQueuedRow } from "./queue-lines.ts";
import { isoTime } from "./rows.ts";
import { toWorkload } from "./workload-rows.ts";

/** Each read of the batch has a snapshot of its own (READ COMMITTED), taken when the epoch is ours already. */
export async function takeLead(
  db: Database,
  customerId: CustomerId,
  windowMax: number,
  now: number,
): Promise<CustomerState | null> {
  const [epochs, found, types, held, ready, delayed, queued] = await attempt(
    "taking the lead of a customer",
    db.batch([
      takeEpoch(db, customerId, now),
      selectCustomer(db, customerId),
      selectTypes(db, customerId),
      selectHeld(db, customerId),
      selectReady(db, customerId, windowMax, now),
      selectDelayed(db, customerId, windowMax, now),
      countQueued(db, customerId),
    ]),
  );
  const [{ epoch } = { epoch: null }] = epochs.rows;
  const [customer] = found;
  if (epoch === null || customer === undefined) return null;
  return {
    lead: { customerId, epoch: Number(epoch) },
    customer: toCustomer(customerId, customer, types.map(toType)),
    held: held.map(toWorkload),
    queue: toWindow(ready, delayed, windowMax),
    queuedCount: queued[0]?.count ?? 0,
  };
}

const takeEpoch = (db: Database, customerId: CustomerId, now: number) =>
  db.execute<{ epoch: number | string }>(sql`
    insert into coordinator_epochs as e (scope, epoch, taken_at)
    select ${customerScope(customerId)}, 1, ${isoTime(now)}::timestamptz
    from customers where customer_id = ${customerId}
    on conflict (scope) do update set epoch = e.epoch + 1, taken_at = excluded.taken_at
    returning epoch`);

const selectCustomer = (db: Database, customerId: CustomerId) =>
  db
    .select({ tier: customers.tier, overrides: customers.overrides, suspendedAt: customers.suspendedAt })
    .from(customers)
    .where(eq(customers.customerId, customerId));
type CustomerRow = Awaited<ReturnType<typeof selectCustomer>>[number];

const selectTypes = (db: Database, customerId: CustomerId) =>
  db
    .select({
      workloadType: workloadConfigs.workloadType,
      config: jsonText(workloadConfigs.configJson),
      resources: workloadConfigs.resourceLimits,
      maxRetries: workloadConfigs.maxRetries,
      retryBaseMs: workloadConfigs.retryBaseMs,
      retryCapMs: workloadConfigs.retryCapMs,
      timeoutSeconds: workloadConfigs.timeoutSeconds,
      checkpointIntervalSec: workloadConfigs.checkpointIntervalSec,
      checkpointProgressPercent: workloadConfigs.checkpointProgressPercent,
    })
    .from(workloadConfigs)
    .where(eq(workloadConfigs.customerId, customerId));
type TypeRow = Awaited<ReturnType<typeof selectTypes>>[number];

const countQueued = (db: Database, customerId: CustomerId) =>
  db
    .select({ count: sql<number>`count(*)::int` })
    .from(workloads)
    .where(and(eq(workloads.customerId, customerId), isQueuedRow));

const toType = ({ workloadType, config, resources, ...policy }: TypeRow): WorkloadType => ({
  workloadType,
  config: parseJson(config),
  resources,
  policy,
});

/** The table's check guarantees the tier. */
function toCustomer(customerId: CustomerId, row: CustomerRow, types: readonly WorkloadType[]): Customer {
  const tier = row.tier as Tier;
  return {
    customerId,
    tier,
    limits: limitsOf(tier, row.overrides),
    suspended: row.suspendedAt !== null,
    types: new Map(types.map((type) => [type.workloadType, type])),
  };
}
