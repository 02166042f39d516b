/** What keeps a workload of a customer from starting in this pool now, as its next placement pass would see it. */
import type { Outlook, OutlookRequest } from "../domain/explain.ts";
import { placementObstacle } from "../domain/obstacle.ts";
import type { Pool } from "./pool.ts";

/** Null: without the broker nobody is heard, and nothing can be sent: nothing can be said. */
export async function outlook(pool: Pool, request: OutlookRequest): Promise<Outlook | null> {
  const { customerId, item } = request;
  if (!pool.link.isConnected()) return null;
  await pool.roll.until(() => placementObstacle(item, customerId, pool.ledger.present()) === null);
  const workers = pool.ledger.present();
  return { obstacle: placementObstacle(item, customerId, workers), isNext: isNext(pool, request) };
}

/** It holds a reservation, or the pool was told of it and its customer has room. */
function isNext({ ledger, tenants }: Pool, { customerId, item }: OutlookRequest): boolean {
  if (ledger.reservation(item.workloadId) !== undefined) return true;
  const tenant = tenants.all.get(customerId);
  if (tenant === undefined || ledger.heldBy(customerId) >= tenant.share.runningMax) return false;
  return tenant.items.some(({ workloadId }) => workloadId === item.workloadId);
}
