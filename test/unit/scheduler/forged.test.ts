/** A worker that speaks for another one: refused, counted, and without effect. */
import { expect, it } from "vitest";
import { take } from "../../../functions/scheduler/intake.ts";
import type { ToCoordinator } from "../../../schema/messages/to-coordinator.ts";
import { customerId, workerId } from "../domain/pool-builder.ts";
import { registrationOf, stillPool } from "./pool.ts";

const [liar, victim] = [workerId(1), workerId(2)];
const address = {
  ...{ worker_id: victim, customer_id: customerId(1), generation: 1, sequence: 1, index: 0 },
  workload_id: "wl_01jd3v8q4x5r6t7y8a9b0c1d2e" as never,
};

const forgeries: ToCoordinator[] = [
  { type: "worker.register", payload: registrationOf(2, 1) },
  { type: "worker.heartbeat", payload: { worker_id: victim, status: "HEALTHY", slots: 1, used: 0, held: [] } },
  {
    type: "worker.events",
    payload: {
      ...{ worker_id: victim, customer_id: customerId(1) },
      events: [{ kind: "completed", event_id: 1, workload_id: address.workload_id, generation: 1, result: 1 }],
    },
  },
  { type: "worker.checkpoint_chunk", payload: { ...address, data: "" } },
  { type: "worker.fetch_checkpoint", payload: address },
  { type: "worker.goodbye", payload: { worker_id: victim } },
];

it.each(forgeries)("$type in another's name", async (forgery) => {
  const pool = stillPool();
  await take(pool, victim, { type: "worker.register", payload: registrationOf(2, 1) });
  const before = pool.ledger.workers.get(victim);
  const reply = await take(pool, liar, forgery);
  expect(reply).toMatchObject({ type: "error", payload: { code: "invalid", retry: false } });
  expect(pool.ledger.workers.get(victim)).toBe(before);
  expect(pool.tenants.all.size).toBe(0);
  const text = await pool.metrics.text({
    workers: { HEALTHY: 0, DRAINING: 0, DEAD: 0 },
    slots: 0,
    used: 0,
    waiting: 0,
    wanted: 0,
  });
  expect(text).toMatch(/niyanta_broker_forged_total\{[^}]*\} 1/);
});

it("a registration for another pool is refused too", async () => {
  const pool = stillPool();
  const payload = { ...registrationOf(1, 1), pool: "gpu" };
  expect(await take(pool, liar, { type: "worker.register", payload })).toMatchObject({ type: "error" });
  expect(pool.ledger.workers.size).toBe(0);
});
