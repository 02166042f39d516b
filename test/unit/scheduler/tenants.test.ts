/** What a pool believes of what coordinators say, when their words cross or come from the past. */
import { expect, test } from "vitest";
import type { DemandItem, Update } from "../../../functions/domain/demand.ts";
import { hear, meetEpoch, type Tenant, Tenants } from "../../../functions/scheduler/tenants.ts";
import { ids } from "../../support/records.ts";
import { customerId, items } from "../domain/pool-builder.ts";

const nothingReserved = () => false;
const update = (epoch: number, version: number, demanded: readonly DemandItem[] = [], active = true): Update => ({
  customerId: customerId(1),
  epoch,
  version,
  share: { weight: epoch, runningMax: version },
  demand: { items: demanded, active, wakeAt: null },
  dispatch: [],
  unused: [],
  stops: [],
  samples: [],
});

function attached(epoch: number, version: number): Tenant {
  const tenant = new Tenants().get(customerId(1));
  hear(tenant, update(epoch, version, items(1, 2)), nothingReserved);
  tenant.attached = true;
  return tenant;
}

test("a coordinator of an older epoch is not believed", () => {
  const tenant = attached(2, 1);
  const before = structuredClone(tenant);
  expect(hear(tenant, update(1, 9), nothingReserved)).toBe(false);
  expect(tenant).toEqual(before);
});

test("of two demands of one epoch the later counts, in whatever order they come", () => {
  const tenant = attached(2, 5);
  expect(hear(tenant, update(2, 4), nothingReserved)).toBe(true);
  expect(tenant.items).toEqual(items(1, 2));
  hear(tenant, update(2, 6, items(7, 1), false), nothingReserved);
  expect(tenant).toMatchObject({ items: items(7, 1), active: false, share: { runningMax: 6 }, attached: true });
});

test("a newer epoch is believed from its first word, and asked what it holds", () => {
  const tenant = attached(2, 5);
  expect(hear(tenant, update(3, 1, items(3, 1)), nothingReserved)).toBe(true);
  expect(tenant).toMatchObject({ epoch: 3, version: 1, attached: false, items: items(3, 1) });
});

test("meeting an epoch that is known changes nothing", () => {
  const tenant = attached(2, 5);
  const before = structuredClone(tenant);
  meetEpoch(tenant, 2);
  meetEpoch(tenant, 1);
  expect(tenant).toEqual(before);
});

test("what has a slot reserved does not wait a second time", () => {
  const tenant = attached(1, 1);
  const [first, second] = items(1, 2);
  hear(tenant, update(1, 2, items(1, 2)), (id) => id === first?.workloadId);
  expect(tenant.items).toEqual([second]);
});

test("a pool is active while anyone is, or has something to be told", () => {
  const tenants = new Tenants();
  expect(tenants.isActive()).toBe(false);
  const tenant = tenants.get(customerId(1));
  hear(tenant, update(1, 1, [], false), nothingReserved);
  tenant.attached = true;
  expect(tenants.isActive()).toBe(false);
  const { workloadId } = items(1, 1)[0] ?? {};
  if (workloadId === undefined) throw new Error("no item was made");
  tenant.losses.push({ workloadId, generation: 1, workerId: ids.worker(), why: "worker_lost" });
  expect(tenants.isActive()).toBe(true);
  expect(tenants.waiting()).toEqual([]);
});
