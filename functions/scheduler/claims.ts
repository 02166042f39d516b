/** What a worker claims to hold, and how far it is believed: nothing is made here on a worker's word alone. */
import type { CustomerId } from "../../schema/ids.ts";
import { heldBeyondSlotsMax } from "../../schema/limits.ts";
import type { Held } from "../../schema/messages/to-coordinator.ts";
import type { Worker } from "./ledger.ts";
import type { Pool } from "./pool.ts";

/**
 * A worker holds what it was given, and after a loss of memory here at most what it has slots for, with some whose end is
 * being written. What it lists beyond that is passed over.
 */
export function believable({ ledger, deps }: Pool, worker: Worker, held: readonly Held[]): Held[] {
  let strangeLeft = (worker.registration?.slots ?? 0) + heldBeyondSlotsMax;
  const believed = held.filter((one) => ledger.find(one) !== undefined || strangeLeft-- > 0);
  if (believed.length < held.length)
    deps.log.warn({ worker_id: worker.workerId, held: held.length }, "a worker claims more than it can hold");
  return believed;
}

/** Held by the worker, and by nobody's account of ours. Who is not asked yet may still say otherwise. */
export function isOver({ ledger, tenants, strangers }: Pool, worker: Worker, held: Held): boolean {
  const attempt = ledger.find(held);
  if (attempt !== undefined) return attempt.workerId !== worker.workerId || attempt.state === "stopping";
  const tenant = tenants.all.get(held.customer_id);
  if (tenant === undefined) return strangers.isUnknown(held.customer_id);
  return tenant.attached && !tenant.busy;
}

/** This pool has heard of it from others than workers. */
export const isFamiliar = ({ tenants, active }: Pool, customerId: CustomerId): boolean =>
  tenants.all.has(customerId) || active.has(customerId);

/** Those that exist are asked what they hold; of the others the worker hears with its next heartbeat. */
export function meetAll(pool: Pool, held: readonly Held[]): void {
  for (const customerId of new Set(held.map((one) => one.customer_id))) {
    if (pool.tenants.all.has(customerId) || pool.strangers.isUnknown(customerId)) continue;
    if (pool.active.has(customerId)) meet(pool, customerId);
    else pool.deps.background(pool.strangers.exists(customerId).then((exists) => exists && meet(pool, customerId)));
  }
}

function meet({ tenants, advance }: Pool, customerId: CustomerId): void {
  tenants.get(customerId);
  advance();
}
