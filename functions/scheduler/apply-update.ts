/** Takes in what a coordinator says after a commit. */
import type { Update } from "../domain/demand.ts";
import { dispatchAll, stopAll } from "./dispatch.ts";
import type { Pool } from "./pool.ts";
import { hear } from "./tenants.ts";

export function applyUpdate(pool: Pool, update: Update): void {
  const { ledger, tenants, active, metrics } = pool;
  metrics.record(update.samples);
  const tenant = tenants.get(update.customerId);
  for (const workloadId of update.unused) {
    const reservation = ledger.reservation(workloadId);
    if (reservation !== undefined) ledger.free(reservation);
  }
  dispatchAll(pool, update.dispatch);
  stopAll(pool, update.stops);
  if (!hear(tenant, update, (id) => ledger.reservation(id) !== undefined)) return;
  // Forgotten lazily, by the alarm: a customer that submits one by one must not cost a write each time.
  if (tenant.active) active.add(update.customerId, tenant.wakeAt);
}
