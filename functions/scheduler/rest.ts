/** When the pool looks again, and when it may forget and fall silent. */
import { nextLeaseCheck } from "./health.ts";
import type { Pool } from "./pool.ts";
import { askAgain, hasNews } from "./tenants.ts";

/** While there is work an alarm comes this often at least: it also keeps the socket to the broker alive. */
const lookAgainMs = 20_000;

/** Null: nothing holds, waits or is to be told; the object may sleep. */
export function nextLookAt(pool: Pool): number | null {
  const now = pool.deps.now();
  const lease = nextLeaseCheck(pool);
  if (lease !== null) return Math.min(lease, now + lookAgainMs);
  return isAtRest(pool) ? null : now + lookAgainMs;
}

export const isAtRest = ({ ledger, tenants }: Pool): boolean =>
  ledger.isEmpty() && !Array.from(tenants.all.values()).some((tenant) => isBusy(tenant));

const isBusy = (tenant: Parameters<typeof hasNews>[0]): boolean =>
  hasNews(tenant) || tenant.busy || tenant.items.length > 0 || (tenant.active && tenant.wakeAt === null);

/** Customers without work here are forgotten, in the storage too. */
export function forgetIdle({ tenants, active, ledger }: Pool): void {
  for (const tenant of [...tenants.all.values()]) {
    if (tenant.active || isBusy(tenant) || ledger.heldBy(tenant.customerId) > 0) continue;
    tenants.all.delete(tenant.customerId);
    active.remove(tenant.customerId);
  }
}

/** Reservations whose coordinator never said what became of them: it is asked what it holds. */
export function reviewReservations({ ledger, tenants }: Pool, olderThan: number): void {
  for (const { customerId, reservedAt } of ledger.reservations()) {
    const tenant = tenants.get(customerId);
    if (reservedAt <= olderThan && !tenant.busy && tenant.placements.length === 0) askAgain(tenant);
  }
}
