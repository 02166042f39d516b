/** The start of a coordinator: the next epoch, then everything it decides by, read after the epoch was taken. */
import { and, eq, sql } from "drizzle-orm";
import { type CustomerId, workloadIdsFrom } from "../../../schema/ids.ts";
import type { Tier } from "../../../schema/status.ts";
import { customers } from "../../../schema/tables/customers.ts";
import { workloadConfigs } from "../../../schema/tables/workload-configs.ts";
import { workloads } from "../../../schema/tables/workloads.ts";
import { limitsOf } from "../../../schema/tiers.ts";
import { type Accepted, acceptedToRead, nothingAccepted } from "../../domain/admission.ts";
import type { Customer, WorkloadType } from "../../domain/customer.ts";
import type { Taking } from "../../domain/token-bucket.ts";
import type { CustomerState } from "../store.ts";
import type { Database } from "./database.ts";
import { attempt } from "./failure.ts";
import { jsonText, parseJson } from "./json-column.ts";
import { customerScope } from "./leader.ts";
import { selectDelayed, selectHeld, selectReady, toWindow } from "./queue.ts";
import { isQueuedRow } from "./queue-lines.ts";
import { isoTime, onlyRow } from "./rows.ts";
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
  const known = toCustomer(customerId, customer, types.map(toType));
  return {
    lead: { customerId, epoch: Number(epoch) },
    customer: known,
    accepted: await readAccepted(db, known, now),
    held: held.map(toWorkload),
    queue: toWindow(ready, delayed, windowMax),
    queuedCount: queued[0]?.count ?? 0,
  };
}

interface AcceptedRow extends Record<string, unknown> {
  readonly takings: readonly Taking[] | null;
  readonly isWhole: boolean;
}

/**
 * An id is a time, so the newest are the end of the primary key. How far to go back depends on the customer's limits; as
 * the epoch is ours, nothing is accepted in between.
 */
async function readAccepted(db: Database, { customerId, limits }: Customer, now: number): Promise<Accepted> {
  const wanted = acceptedToRead(limits, now);
  if (wanted === null) return nothingAccepted(now);
  const since = workloadIdsFrom(wanted.since);
  const statement = sql`
    with recent as materialized (
      select created_at from workloads where customer_id = ${customerId} and workload_id >= ${since}
      order by workload_id desc limit ${wanted.max + 1}),
    taking as (
      select (extract(epoch from created_at) * 1000)::bigint as at, count(*) as count from recent group by created_at)
    select (select json_agg(taking order by at) from taking) as takings,
      coalesce((
        select workload_id from workloads where customer_id = ${customerId} order by workload_id limit 1
      ) >= ${since}, true) as "isWhole"`;
  const row = onlyRow(await attempt("reading what was accepted", db.execute<AcceptedRow>(statement)));
  return cutTo(wanted.max, { since: wanted.since, takings: row.takings ?? [], isWhole: row.isWhole });
}

/** Accepted under wider limits than now: all of the first moment that was read may not be there. */
function cutTo(max: number, accepted: Accepted): Accepted {
  const count = accepted.takings.reduce((sum, taking) => sum + taking.count, 0);
  const [first, ...rest] = accepted.takings;
  return count <= max || first === undefined ? accepted : { since: first.at, takings: rest, isWhole: false };
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
