/** Gives free slots to those that wait, and reserves them. */
import type { CustomerId } from "../../schema/ids.ts";
import type { Placement, PlaceRequest } from "../domain/demand.ts";
import { type Placed, placeAll, type Waiting } from "../domain/placement.ts";
import type { Ledger } from "./ledger.ts";
import type { Pool } from "./pool.ts";
import { meetEpoch, type Tenant } from "./tenants.ts";

/** Fair share between all that wait; what is placed is told to its coordinator with the next exchange. */
export function placeWaiting({ ledger, tenants }: Pool): void {
  const waiting = tenants.waiting();
  if (waiting.length === 0) return;
  const open = ledger.candidates().filter(({ used, slots }) => used < slots);
  if (open.length === 0) return;
  const placed = placeAll(
    waiting.map((tenant) => waitingOf(tenant, ledger)),
    open,
  );
  for (const [customerId, own] of Map.groupBy(placed, (one) => one.customerId)) {
    const tenant = tenants.get(customerId);
    tenant.placements.push(...reserveAll(ledger, own));
    const gone = new Set(own.map(({ workloadId }) => workloadId));
    tenant.items = tenant.items.filter(({ workloadId }) => !gone.has(workloadId));
  }
}

/** Slots for workloads that are about to be written; those that wait already were offered what is free before. */
export function placeNow({ ledger, tenants, active, deps }: Pool, request: PlaceRequest): Placement[] {
  const tenant = tenants.get(request.customerId);
  if (request.epoch < tenant.epoch) return [];
  meetEpoch(tenant, request.epoch);
  tenant.active = true;
  active.add(request.customerId, null);
  if (request.items.length === 0) return [];
  const waiting = { customerId: request.customerId, ...request.share, held: ledger.heldBy(request.customerId) };
  deps.wakeBy(deps.now() + reservationCheckMs);
  return reserveAll(ledger, placeAll([{ ...waiting, items: request.items }], ledger.candidates()));
}

/** A reservation whose coordinator died before it settled it is found by the first look after this. */
const reservationCheckMs = 5_000;

function reserveAll(ledger: Ledger, placed: readonly Placed[]): Placement[] {
  return placed.map(({ item, customerId, workerId }) => {
    ledger.reserve(item, customerId, workerId);
    const { workloadId, affinity } = item;
    return { workloadId, workerId, ...(affinity === undefined ? {} : { affinity }) };
  });
}

const waitingOf = ({ customerId, share, items }: Tenant, ledger: Ledger): Waiting => ({
  customerId: customerId satisfies CustomerId,
  weight: share.weight,
  runningMax: share.runningMax,
  held: ledger.heldBy(customerId),
  items,
});
