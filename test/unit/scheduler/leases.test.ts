/** Whose silence counts: leases begin with work, end by silence alone, and mean nothing while nobody can be heard. */
import { describe, expect, test, vi } from "vitest";
import type { BrokerAnswer } from "../../../functions/broker/broker.ts";
import { attach } from "../../../functions/scheduler/attach.ts";
import { dispatchAll, stopAll } from "../../../functions/scheduler/dispatch.ts";
import {
  checkLeases,
  heartbeat,
  leave,
  nextLeaseCheck,
  register,
  renewLeases,
} from "../../../functions/scheduler/health.ts";
import type { Attempt } from "../../../functions/scheduler/ledger.ts";
import type { Pool } from "../../../functions/scheduler/pool.ts";
import type { ToWorker } from "../../../schema/messages/to-worker.ts";
import { t0 } from "../../support/records.ts";
import { newAssignment } from "../../support/scripted-coordinator.ts";
import { customerId, item, workerId, workloadId } from "../domain/pool-builder.ts";
import { registrationOf, stillPool } from "./pool.ts";

const leaseMs = 15_000;
const silence: BrokerAnswer = { type: "no_answer", problem: "frozen" };
const reply =
  (accepted: boolean) =>
  (message: ToWorker): BrokerAnswer => {
    if (message.type !== "assign") return { type: "ok", payload: {} };
    const answers = message.payload.assignments.map(({ workload_id, generation }) => ({
      workload_id,
      generation,
      accepted,
    }));
    return { type: "assign.answer", payload: { answers } };
  };

interface Stage {
  readonly pool: Pool;
  /** Resolves when all that was begun in the background has ended. */
  readonly settled: () => Promise<void>;
  readonly pass: (ms: number) => void;
}

async function stage(answer: (message: ToWorker) => BrokerAnswer, hears = () => true): Promise<Stage> {
  let now = t0;
  const still = stillPool({ now: () => now, answer, hears });
  const begun: Promise<unknown>[] = [];
  const pool = { ...still, deps: { ...still.deps, background: (work: Promise<unknown>) => void begun.push(work) } };
  await pool.link.ensure();
  enlist(pool, 1);
  return {
    pool,
    settled: async () => {
      await Promise.all(begun.splice(0));
    },
    pass: (ms) => {
      now += ms;
    },
  };
}

const enlist = (pool: Pool, number: number) => register(pool, registrationOf(number, 10));

const held = (number: number) => ({ customer_id: customerId(1), workload_id: workloadId(number), generation: 1 });
const reserve = (pool: Pool, number: number): Attempt => pool.ledger.reserve(item(number), customerId(1), workerId(1));
const dispatch = (pool: Pool, number: number) =>
  dispatchAll(pool, [{ workerId: workerId(1), assignment: newAssignment(held(number)) }]);
const losses = (pool: Pool) => pool.tenants.get(customerId(1)).losses.map(({ why }) => why);
const isThere = (pool: Pool) => pool.ledger.workers.has(workerId(1));

describe("the lease of a worker", () => {
  test("does not run while it is only promised work, however long the write takes", async () => {
    const { pool, pass, settled } = await stage(reply(true));
    pass(10 * leaseMs);
    reserve(pool, 1);
    reserve(pool, 2);
    await checkLeases(pool);
    expect(isThere(pool)).toBe(true);
    dispatch(pool, 1);
    dispatch(pool, 2);
    pass(leaseMs - 1);
    await checkLeases(pool);
    expect([isThere(pool), losses(pool)]).toEqual([true, []]);
    await settled();
  });

  test("of one that drains leaves its status as it is when a heartbeat is missed", async () => {
    const { pool, pass, settled } = await stage(reply(true));
    heartbeat(pool, { worker_id: workerId(1), status: "DRAINING", slots: 10, used: 0, held: [] });
    reserve(pool, 1);
    dispatch(pool, 1);
    await settled();
    const put = vi.spyOn(pool.rows, "put");
    pass(leaseMs - 1);
    await checkLeases(pool);
    expect(put.mock.calls).toEqual([[workerId(1), "DRAINING", "worker.heartbeat_missed", {}]]);
  });

  test("is not renewed by assignments that it leaves unanswered", async () => {
    const { pool, pass, settled } = await stage(() => silence);
    reserve(pool, 1);
    pool.ledger.settle(reserve(pool, 2), 1, "held");
    pass(leaseMs - 1);
    dispatch(pool, 1);
    await settled();
    pass(1);
    await checkLeases(pool);
    expect(isThere(pool)).toBe(false);
    expect(losses(pool)).toEqual(["unanswered", "worker_lost"]);
  });

  test("begins anew after a time in which nobody could be heard", async () => {
    const { pool, pass } = await stage(reply(true));
    pool.ledger.settle(reserve(pool, 1), 1, "held");
    pass(leaseMs);
    renewLeases(pool);
    await checkLeases(pool);
    expect(isThere(pool)).toBe(true);
  });

  test.each([
    ["when it would be over", leaseMs],
    ["when a heartbeat is missed", leaseMs / 2],
  ])("begins anew where the broker itself says nothing %s", async (_, silentMs) => {
    const hears = vi.fn(() => false);
    const { pool, pass } = await stage(reply(true), hears);
    const put = vi.spyOn(pool.rows, "put");
    pool.ledger.settle(reserve(pool, 1), 1, "held");
    pass(silentMs);
    await checkLeases(pool);
    hears.mockReturnValue(true);
    pass(leaseMs - 1);
    await checkLeases(pool);
    expect([isThere(pool), put.mock.calls.length]).toEqual([true, 1]);
    pass(1);
    await checkLeases(pool);
    expect(isThere(pool)).toBe(false);
  });

  test("is not over for a worker that is heard while the broker is asked", async () => {
    const hears = vi.fn(() => true);
    const { pool, pass } = await stage(reply(true), hears);
    pool.ledger.settle(reserve(pool, 1), 1, "held");
    pass(leaseMs);
    hears.mockImplementation(() => {
      heartbeat(pool, { worker_id: workerId(1), status: "HEALTHY", slots: 10, used: 1, held: [held(1)] });
      return true;
    });
    await checkLeases(pool);
    expect([isThere(pool), losses(pool)]).toEqual([true, []]);
  });

  test("is looked at now and then while the broker is away, and not over and over", () => {
    let now = t0;
    const pool = stillPool({ now: () => now });
    enlist(pool, 1);
    pool.ledger.settle(reserve(pool, 1), 1, "held");
    now += 2 * leaseMs;
    expect(nextLeaseCheck(pool)).toBe(now + pool.deps.terms.heartbeatMs);
  });

  test("waits while the broker is away", async () => {
    let now = t0;
    const pool = stillPool({ now: () => now });
    enlist(pool, 1);
    pool.ledger.settle(reserve(pool, 1), 1, "held");
    now += leaseMs;
    await checkLeases(pool);
    expect([isThere(pool), losses(pool)]).toEqual([true, []]);
  });
});

describe("a worker that leaves an assignment unanswered", () => {
  test("gets nothing new until it is heard again", async () => {
    const { pool, settled } = await stage(() => silence);
    reserve(pool, 1);
    dispatch(pool, 1);
    await settled();
    expect(pool.ledger.candidates()).toEqual([]);
    heartbeat(pool, { worker_id: workerId(1), status: "HEALTHY", slots: 10, used: 0, held: [] });
    expect(pool.ledger.candidates()).toHaveLength(1);
  });
});

describe("a worker that does not listen", () => {
  test("just after the broker has come back is waited for, and has its assignment when it is back too", async () => {
    let isBack = false;
    const { pool, settled } = await stage((message) => (isBack ? reply(true)(message) : { type: "no_responders" }));
    pool.roll.called();
    const attempt = reserve(pool, 1);
    dispatch(pool, 1);
    await new Promise((resolve) => setImmediate(resolve));
    isBack = true;
    enlist(pool, 1);
    pool.roll.heard();
    await settled();
    expect([attempt.state, isThere(pool), losses(pool)]).toEqual(["held", true, []]);
  });

  test("long after that is gone", async () => {
    const { pool, settled } = await stage(() => ({ type: "no_responders" }));
    reserve(pool, 1);
    dispatch(pool, 1);
    await settled();
    expect([isThere(pool), losses(pool)]).toEqual([false, ["unanswered"]]);
  });
});

describe("an assignment on its way", () => {
  test("to a worker that leaves in order never began: nobody died of it", async () => {
    const { pool } = await stage(reply(true));
    pool.ledger.settle(reserve(pool, 1), 1, "sent");
    leave(pool, workerId(1));
    expect(losses(pool)).toEqual(["unanswered"]);
  });

  test("that is to stop and is refused is free, and its coordinator hears of it", async () => {
    const { pool, settled } = await stage(reply(false));
    const attempt = reserve(pool, 1);
    dispatch(pool, 1);
    attempt.state = "stopping";
    await settled();
    expect([pool.ledger.isEmpty(), losses(pool)]).toEqual([true, ["refused"]]);
  });

  test("whose workload was cancelled before it was sent is not sent", async () => {
    const { pool, settled } = await stage(reply(true));
    reserve(pool, 1);
    stopAll(pool, [{ workload_id: workloadId(1), generation: 1, workerId: workerId(1), why: "cancelled" }]);
    dispatch(pool, 1);
    await settled();
    expect([pool.ledger.find(held(1)), losses(pool)]).toEqual([undefined, ["unanswered"]]);
  });

  test("that came to be after the standing was asked for is not stopped by it", async () => {
    const { pool, settled } = await stage(reply(true));
    const askedAt = pool.ledger.tick();
    const attempt = reserve(pool, 1);
    dispatch(pool, 1);
    const update = {
      ...{ customerId: customerId(1), epoch: 1, version: 1, share: { weight: 1, runningMax: 10 } },
      ...{ demand: { items: [], active: true, wakeAt: null }, dispatch: [], unused: [], stops: [], samples: [] },
    };
    attach(pool, pool.tenants.get(customerId(1)), { update, held: [] }, askedAt);
    await settled();
    expect(attempt.state).toBe("held");
  });
});

describe("a worker that holds what nobody here knows of yet", () => {
  const full = (pool: Pool) =>
    heartbeat(pool, { worker_id: workerId(1), status: "HEALTHY", slots: 10, used: 10, held: ten });
  const ten = Array.from({ length: 10 }, (_, index) => held(index + 1));

  test("has no slot to give until it is known, or over", async () => {
    const { pool } = await stage(reply(true));
    full(pool);
    expect(pool.ledger.candidates()).toEqual([]);
    pool.ledger.ended(workerId(1), held(1));
    expect(pool.ledger.candidates()).toHaveLength(1);
  });

  test("is counted once when it becomes known", async () => {
    const { pool } = await stage(reply(true));
    full(pool);
    const { workload_id: workloadId } = held(1);
    const known = { workloadId, generation: 1, workloadType: "noop", workerId: workerId(1), customerId: customerId(1) };
    pool.ledger.recall({ ...known, started: true }, t0);
    expect(pool.ledger.workers.get(workerId(1))?.unknown.size).toBe(9);
    expect(pool.ledger.candidates()).toEqual([]);
  });
});
