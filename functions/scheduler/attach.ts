/** Makes the pool's picture of one customer agree with what its coordinator holds. */
import type { HeldAssignment, Standing } from "../domain/demand.ts";
import { applyUpdate } from "./apply-update.ts";
import { stopAll } from "./dispatch.ts";
import type { Attempt } from "./ledger.ts";
import type { Pool } from "./pool.ts";
import type { Tenant } from "./tenants.ts";

/** `askedAt` is the ledger's tick when the standing was asked for: what was reserved since is not in it. */
export function attach(pool: Pool, tenant: Tenant, standing: Standing, askedAt: number): void {
  tenant.attached = true;
  applyUpdate(pool, standing.update);
  const held = new Map(standing.held.map((one) => [`${one.workloadId}/${one.generation}`, one]));
  const promised = new Set(tenant.placements.map(({ workloadId }) => workloadId));
  for (const attempt of [...pool.ledger.attemptsOf(tenant.customerId)]) {
    if (attempt.reservedAt > askedAt) continue;
    if (attempt.state === "reserved") {
      if (!promised.has(attempt.workloadId)) dropReservation(pool, attempt, standing.held);
    } else if (!held.has(`${attempt.workloadId}/${attempt.generation}`)) stopAttempt(pool, attempt);
  }
  for (const one of standing.held) recall(pool, tenant, one);
  const isOpen = Array.from(pool.ledger.attemptsOf(tenant.customerId)).some(({ state }) => state === "unconfirmed");
  if (isOpen) pool.link.callRoll();
}

/** Written meanwhile: then it stands in `held`, and only its dispatch may be lost. Not written: the slot is free. */
function dropReservation(pool: Pool, attempt: Attempt, held: readonly HeldAssignment[]): void {
  const written = held.find(({ workloadId }) => workloadId === attempt.workloadId);
  if (written === undefined) pool.ledger.free(attempt);
  else pool.ledger.settle(attempt, written.generation, "unconfirmed");
}

/** Over, as far as its coordinator knows. One that has reported its end waits for the answer. */
function stopAttempt(pool: Pool, attempt: Attempt): void {
  if (attempt.state === "ended" || attempt.state === "stopping") return;
  attempt.state = "stopping";
  const { workloadId, workerId, generation } = attempt;
  stopAll(pool, [{ workload_id: workloadId, workerId, generation, why: "fenced" }]);
}

/** Its worker was removed before this memory began: nobody is waited for. */
function loseRemoved(tenant: Tenant, { workloadId, generation, workerId }: HeldAssignment): void {
  tenant.losses.push({ workloadId, generation, workerId, why: "worker_removed" });
}

function recall(pool: Pool, tenant: Tenant, held: HeldAssignment): void {
  const { workloadId, generation } = held;
  const known = pool.ledger.find({ workload_id: workloadId, generation }) ?? pool.ledger.reservation(workloadId);
  if (known !== undefined) return;
  if (pool.orders.isRemoved(held.workerId)) loseRemoved(tenant, held);
  else expectBack(pool, tenant, held);
}

/** Until its worker speaks of it, or its lease is over. */
function expectBack({ ledger, deps }: Pool, { customerId }: Tenant, held: HeldAssignment): void {
  ledger.recall({ ...held, customerId }, deps.now());
  deps.wakeBy(deps.now() + deps.terms.leaseMs);
}
