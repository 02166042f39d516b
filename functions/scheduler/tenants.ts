/** The customers of a pool: what each waits for, and what is to be told to its coordinator. */
import type { CustomerId, WorkerId, WorkloadId } from "../../schema/ids.ts";
import type { EventOutcome } from "../../schema/messages/worker-events.ts";
import type { DemandItem, Loss, Placement, Share, Update, WorkerReport } from "../domain/demand.ts";

/** Reports that came in one message; they are answered together. Null: not now, send them again. */
export interface ReportBatch {
  readonly workerId: WorkerId;
  readonly reports: readonly WorkerReport[];
  readonly settle: (outcomes: readonly EventOutcome[] | null) => void;
}

export interface Tenant {
  readonly customerId: CustomerId;
  /** The newest epoch heard of; 0: none yet. */
  epoch: number;
  version: number;
  /** False: what its coordinator holds is not known, and has to be asked. */
  attached: boolean;
  share: Share;
  items: readonly DemandItem[];
  active: boolean;
  wakeAt: number | null;
  // What waits to be told, in this order.
  batches: ReportBatch[];
  losses: Loss[];
  placements: Placement[];
  /** An exchange is under way; what comes meanwhile goes with the next. */
  busy: boolean;
  failures: number;
}

export class Tenants {
  readonly all = new Map<CustomerId, Tenant>();
  /** How many coordinators are being asked now what they hold. */
  attaching = 0;

  get(customerId: CustomerId): Tenant {
    const known = this.all.get(customerId);
    if (known !== undefined) return known;
    const tenant = newTenant(customerId);
    this.all.set(customerId, tenant);
    return tenant;
  }

  waiting(): Tenant[] {
    return Array.from(this.all.values()).filter(({ items }) => items.length > 0);
  }

  isActive(): boolean {
    for (const tenant of this.all.values()) if (tenant.active || hasNews(tenant)) return true;
    return false;
  }
}

/** A worker that sends again has given its earlier message up: one waits for each worker, the newest. */
export function queueBatch(tenant: Tenant, batch: ReportBatch): void {
  const earlier = tenant.batches.findIndex(({ workerId }) => workerId === batch.workerId);
  if (earlier === -1) tenant.batches.push(batch);
  else tenant.batches.splice(earlier, 1, batch)[0]?.settle(null);
}

/** All that wait are told to send again. */
export function putOffBatches(tenant: Tenant): void {
  for (const { settle } of tenant.batches.splice(0)) settle(null);
}

/** Something waits to be told, or asked. */
export const hasNews = (tenant: Tenant): boolean =>
  tenant.batches.length + tenant.losses.length + tenant.placements.length > 0 || (!tenant.attached && tenant.active);

/** Of a newer epoch everything is taken, of the same the newer demand; false: it comes from a coordinator of the past. */
export function hear(tenant: Tenant, update: Update, isReserved: (id: WorkloadId) => boolean): boolean {
  if (update.epoch < tenant.epoch) return false;
  if (update.epoch > tenant.epoch) meetEpoch(tenant, update.epoch);
  if (update.version <= tenant.version) return true;
  tenant.version = update.version;
  tenant.share = update.share;
  tenant.active = update.demand.active;
  tenant.wakeAt = update.demand.wakeAt;
  tenant.items = update.demand.items.filter(({ workloadId }) => !isReserved(workloadId));
  return true;
}

/** A coordinator that has begun anew: what it holds must be asked. */
export function meetEpoch(tenant: Tenant, epoch: number): void {
  if (epoch <= tenant.epoch) return;
  tenant.epoch = epoch;
  tenant.version = 0;
  tenant.attached = false;
  tenant.active = true;
}

/** Whatever was missed between the two is found by asking its coordinator what it holds. */
export function askAgain(tenant: Tenant): void {
  tenant.attached = false;
  tenant.active = true;
}

const newTenant = (customerId: CustomerId): Tenant => ({
  customerId,
  epoch: 0,
  version: 0,
  attached: false,
  share: { weight: 1, runningMax: 0 },
  items: [],
  active: true,
  wakeAt: null,
  batches: [],
  losses: [],
  placements: [],
  busy: false,
  failures: 0,
});
