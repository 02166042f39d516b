/** What becomes of an attempt by what its worker says, and by what it does not say. */
import { describe, expect, test } from "vitest";
import type { Stop } from "../../../functions/domain/demand.ts";
import { stopAll } from "../../../functions/scheduler/dispatch.ts";
import { heartbeat, leave, register } from "../../../functions/scheduler/health.ts";
import { take } from "../../../functions/scheduler/intake.ts";
import type { Attempt } from "../../../functions/scheduler/ledger.ts";
import type { Pool } from "../../../functions/scheduler/pool.ts";
import type { Held } from "../../../schema/messages/to-coordinator.ts";
import { customerId, item, workerId, workloadId } from "../domain/pool-builder.ts";
import { registrationOf, stillPool } from "./pool.ts";

const held: Held = { customer_id: customerId(1), workload_id: workloadId(1), generation: 1 };
const completed = { kind: "completed", result: null } as const;
const started = { kind: "started" } as const;

const enlist = (pool: Pool, number: number) => register(pool, registrationOf(number, 1));

/** Worker 1 has been sent its attempt; whether it has it is not known. */
function sent(): { pool: Pool; attempt: Attempt } {
  const pool = stillPool();
  enlist(pool, 1);
  enlist(pool, 2);
  const [candidate] = pool.ledger.candidates();
  if (candidate === undefined) throw new Error("nobody enlisted");
  candidate.used += 1;
  const attempt = pool.ledger.reserve(item(1), customerId(1), workerId(1));
  pool.ledger.settle(attempt, 1, "sent");
  return { pool, attempt };
}

/** The message is taken in; it waits for an answer that never comes. */
function say(pool: Pool, number: number, event: typeof completed | typeof started): void {
  const { workload_id, generation } = held;
  const payload = {
    worker_id: workerId(number),
    customer_id: customerId(1),
    events: [{ ...event, event_id: 1, workload_id, generation }],
  };
  pool.deps.background(take(pool, workerId(number), { type: "worker.events", payload }));
}

const beat = (pool: Pool, ...list: Held[]) =>
  heartbeat(pool, { worker_id: workerId(1), status: "HEALTHY", slots: 1, used: list.length, held: list });
const losses = (pool: Pool) => pool.tenants.get(customerId(1)).losses.map(({ why }) => why);

describe("an attempt that was sent", () => {
  test("is held when its worker speaks of it, whatever became of the answer", () => {
    const { pool, attempt } = sent();
    say(pool, 1, started);
    expect(attempt.state).toBe("held");
    beat(pool);
    expect(losses(pool)).toEqual(["worker_lost"]);
  });

  test("is not lost because a heartbeat does not list it yet", () => {
    const { pool, attempt } = sent();
    beat(pool);
    expect([attempt.state, losses(pool)]).toEqual(["sent", []]);
  });

  test("is not ended by another worker's word", () => {
    const { pool, attempt } = sent();
    say(pool, 2, completed);
    expect(attempt.state).toBe("sent");
    expect(pool.ledger.heldBy(customerId(1))).toBe(1);
  });
});

describe("an attempt whose end was reported and not written", () => {
  test("has given its slot back, and stays while its worker answers for it", () => {
    const { pool, attempt } = sent();
    say(pool, 1, completed);
    beat(pool, held);
    expect([attempt.state, pool.ledger.heldBy(customerId(1)), losses(pool)]).toEqual(["ended", 0, []]);
  });

  test("is lost with its worker (I8)", () => {
    const { pool } = sent();
    say(pool, 1, completed);
    leave(pool, workerId(1));
    expect(losses(pool)).toEqual(["worker_lost"]);
    expect(pool.ledger.isEmpty()).toBe(true);
  });

  test("is lost when its worker no longer answers for it (I8)", () => {
    const { pool } = sent();
    say(pool, 1, completed);
    beat(pool);
    expect(losses(pool)).toEqual(["worker_lost"]);
  });
});

describe("an attempt that is to pause", () => {
  const stop = (pool: Pool, why: Stop["why"]) =>
    stopAll(pool, [{ workload_id: held.workload_id, generation: 1, workerId: workerId(1), why }]);

  test("goes on until its worker says so: a heartbeat is not told that it is over", () => {
    const { pool, attempt } = sent();
    beat(pool, held);
    say(pool, 1, started);
    stop(pool, "paused");
    expect(attempt.state).toBe("held");
    expect(beat(pool, held)).toEqual([]);
    stop(pool, "cancelled");
    expect(attempt.state).toBe("stopping");
    expect(beat(pool, held)).toEqual([held]);
  });

  test("and is only reserved here gives its slot back when it is taken back", () => {
    const pool = stillPool();
    enlist(pool, 1);
    const [candidate] = pool.ledger.candidates();
    if (candidate === undefined) throw new Error("nobody enlisted");
    candidate.used += 1;
    pool.ledger.reserve(item(1), customerId(1), workerId(1));
    stop(pool, "paused");
    expect(pool.ledger.heldBy(customerId(1))).toBe(1);
    stop(pool, "fenced");
    expect([pool.ledger.heldBy(customerId(1)), pool.ledger.isEmpty()]).toEqual([0, true]);
  });
});
