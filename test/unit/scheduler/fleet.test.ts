/** What the operator sees of a pool's workers and orders of them: to drain, to be gone; and what a workload is told. */
import { describe, expect, test } from "vitest";
import { attach } from "../../../functions/scheduler/attach.ts";
import { dispatchAll } from "../../../functions/scheduler/dispatch.ts";
import { outlook } from "../../../functions/scheduler/explain.ts";
import { drainWorker, fleetPage, removeWorker } from "../../../functions/scheduler/fleet.ts";
import { checkLeases, heartbeat, leave, register } from "../../../functions/scheduler/health.ts";
import { take } from "../../../functions/scheduler/intake.ts";
import type { Pool } from "../../../functions/scheduler/pool.ts";
import { rollMs } from "../../../functions/scheduler/roll.ts";
import type { WorkerRecord } from "../../../functions/store/store.ts";
import type { ToWorker } from "../../../schema/messages/to-worker.ts";
import { t0 } from "../../support/records.ts";
import { newAssignment } from "../../support/scripted-coordinator.ts";
import { customerId, item, workerId, workloadId } from "../domain/pool-builder.ts";
import { registrationOf, stillPool } from "./pool.ts";

const all = { before: null, status: null, workerId: null, limit: 100 };
const everyone = (pool: Pool) => fleetPage(pool, all).workers.map(({ worker_id, status }) => [worker_id, status]);
const losses = (pool: Pool) => pool.tenants.get(customerId(1)).losses.map(({ why }) => why);
const beat = (pool: Pool, status: "HEALTHY" | "DRAINING" = "HEALTHY") =>
  heartbeat(pool, { worker_id: workerId(1), status, slots: 2, used: 0, held: [] });
const ask = { customerId: customerId(1), item: item(9) };

const recordOf = (number: number): WorkerRecord => {
  const { worker_id, pool, capabilities, slots, tags, version } = registrationOf(number, 2);
  return { workerId: worker_id, pool, status: "HEALTHY", capabilities, slots, tags, version };
};

/** A pool with worker 1, which says yes to everything, and a clock of its own. */
async function enlisted() {
  const told: ToWorker["type"][] = [];
  const clock = { now: t0 };
  const pool = stillPool({
    now: () => clock.now,
    answer: (message) => {
      told.push(message.type);
      return { type: "ok", payload: {} };
    },
  });
  await pool.link.ensure();
  register(pool, registrationOf(1, 2));
  return { pool, told, clock };
}

const hold = (pool: Pool, number: number) => {
  const attempt = pool.ledger.reserve(item(number), customerId(1), workerId(1));
  pool.ledger.settle(attempt, 1, "held");
  return attempt;
};

describe("the fleet", () => {
  test("is who registered, newest id first, page by page, with what each holds", async () => {
    const { pool } = await enlisted();
    register(pool, registrationOf(2, 3));
    hold(pool, 1);
    const [newest] = fleetPage(pool, { ...all, limit: 1 }).workers;
    expect(newest).toMatchObject({ worker_id: workerId(2), slots: 3, running: [] });
    const rest = fleetPage(pool, { ...all, before: workerId(2) });
    expect(rest.live).toHaveLength(2);
    expect(rest.workers).toMatchObject([
      { worker_id: workerId(1), running: [{ workload_id: workloadId(1), customer_id: customerId(1), state: "held" }] },
    ]);
    expect(fleetPage(pool, { ...all, status: "DRAINING" }).workers).toEqual([]);
  });
});

describe("a worker that is ordered to drain", () => {
  test("gets nothing new from that moment, although it has not heard of it, and is told until it has", async () => {
    const { pool, told } = await enlisted();
    expect(drainWorker(pool, workerId(1))).toBe(true);
    expect(pool.ledger.candidates()).toEqual([]);
    beat(pool);
    register(pool, registrationOf(1, 2));
    expect(pool.ledger.candidates()).toEqual([]);
    beat(pool, "DRAINING");
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual(["drain", "drain", "drain"]);
    expect(everyone(pool)).toEqual([[workerId(1), "DRAINING"]]);
  });

  test("has a lease from the order on, and not from when it was heard last", async () => {
    const { pool, clock } = await enlisted();
    clock.now += 60_000;
    drainWorker(pool, workerId(1));
    await checkLeases(pool);
    expect(everyone(pool)).toHaveLength(1);
  });

  test("is asked nothing any more once it has left", async () => {
    const { pool } = await enlisted();
    drainWorker(pool, workerId(1));
    leave(pool, workerId(1));
    expect([pool.orders.isToDrain(workerId(1)), everyone(pool)]).toEqual([false, []]);
  });

  test("has to be there", async () => {
    const { pool } = await enlisted();
    expect(drainWorker(pool, workerId(2))).toBe(false);
    expect(pool.orders.isToDrain(workerId(2))).toBe(false);
  });
});

describe("a worker that is removed", () => {
  test("loses all that it holds at once, by no fault of that work, and is made to speak", async () => {
    const { pool, told } = await enlisted();
    hold(pool, 1);
    removeWorker(pool, recordOf(1));
    await new Promise((resolve) => setImmediate(resolve));
    expect([losses(pool), everyone(pool), told]).toEqual([["worker_removed"], [], ["roll_call"]]);
    removeWorker(pool, { ...recordOf(1), status: "REMOVED" });
    expect(losses(pool)).toEqual(["worker_removed"]);
  });

  test("is answered with its removal whatever it says, and does not come back", async () => {
    const { pool } = await enlisted();
    removeWorker(pool, recordOf(1));
    const reply = await take(pool, workerId(1), { type: "worker.register", payload: registrationOf(1, 2) });
    expect(reply).toMatchObject({ type: "error", payload: { code: "removed", retry: false } });
    expect(everyone(pool)).toEqual([]);
  });

  test("is sent nothing of what was being written for it meanwhile", async () => {
    const { pool, told } = await enlisted();
    pool.ledger.reserve(item(1), customerId(1), workerId(1));
    removeWorker(pool, recordOf(1));
    const assignment = newAssignment({ customer_id: customerId(1), workload_id: workloadId(1), generation: 1 });
    dispatchAll(pool, [{ workerId: workerId(1), assignment }]);
    await new Promise((resolve) => setImmediate(resolve));
    expect([losses(pool), pool.ledger.isEmpty(), told]).toEqual([["unanswered"], true, ["roll_call"]]);
  });

  test("loses what a memory that has just begun finds with it", async () => {
    const { pool } = await enlisted();
    removeWorker(pool, recordOf(2));
    const held = {
      workloadId: workloadId(1),
      workloadType: "noop",
      generation: 1,
      workerId: workerId(2),
      started: true,
    };
    const update = {
      ...{ customerId: customerId(1), epoch: 1, version: 1, share: { weight: 1, runningMax: 10 } },
      ...{ demand: { items: [], active: true, wakeAt: null }, dispatch: [], unused: [], stops: [], samples: [] },
    };
    attach(pool, pool.tenants.get(customerId(1)), { update, held: [held] }, pool.ledger.tick());
    expect([losses(pool), pool.ledger.isEmpty()]).toEqual([["worker_removed"], true]);
  });
});

describe("the outlook of a workload", () => {
  test("counts workers that drain, or that do not answer, as absent", async () => {
    const { pool } = await enlisted();
    expect((await outlook(pool, ask))?.obstacle).toBeNull();
    drainWorker(pool, workerId(1));
    expect((await outlook(pool, ask))?.obstacle).toEqual({ kind: "pool_empty" });
  });

  test("counts slots that are taken by what nobody here knows of yet", async () => {
    const { pool } = await enlisted();
    const unknown = [1, 2].map((n) => ({ customer_id: customerId(1), workload_id: workloadId(n), generation: 1 }));
    heartbeat(pool, { worker_id: workerId(1), status: "HEALTHY", slots: 2, used: 2, held: unknown });
    expect((await outlook(pool, ask))?.obstacle).toEqual({ kind: "no_slot", used: 2, slots: 2 });
  });

  test("waits for the answers to a roll call before it says that nobody is there, and no longer than it must", async () => {
    const { pool, clock } = await enlisted();
    pool.ledger.removeWorker(workerId(1));
    pool.roll.called();
    const told = outlook(pool, ask);
    register(pool, registrationOf(1, 2));
    pool.roll.heard();
    expect((await told)?.obstacle).toBeNull();
    pool.ledger.removeWorker(workerId(1));
    clock.now += rollMs;
    expect((await outlook(pool, ask))?.obstacle).toEqual({ kind: "pool_empty" });
  });

  test("is unknown where nobody can be heard, whoever is known", async () => {
    const pool = stillPool();
    expect(await outlook(pool, ask)).toBeNull();
    register(pool, registrationOf(1, 2));
    expect(await outlook(pool, ask)).toBeNull();
  });

  test("is a slot of its own when one is reserved for it", async () => {
    const { pool } = await enlisted();
    expect((await outlook(pool, ask))?.isNext).toBe(false);
    pool.ledger.reserve(item(9), customerId(1), workerId(1));
    expect((await outlook(pool, ask))?.isNext).toBe(true);
  });
});
