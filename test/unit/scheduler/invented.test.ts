/** Workers that speak of customers who do not exist, or of more than they can hold: nothing is made on their word. */
import { expect, test } from "vitest";
import { isFamiliar } from "../../../functions/scheduler/claims.ts";
import { take } from "../../../functions/scheduler/intake.ts";
import type { CoordinatorLink, Pool } from "../../../functions/scheduler/pool.ts";
import { pump } from "../../../functions/scheduler/pump.ts";
import { StoreUnavailable } from "../../../functions/store/store.ts";
import type { CustomerId } from "../../../schema/ids.ts";
import { heldBeyondSlotsMax, strangersAskedMax, tenantsAttachingMax } from "../../../schema/limits.ts";
import type { Held } from "../../../schema/messages/to-coordinator.ts";
import type { WorkerEvent } from "../../../schema/messages/worker-events.ts";
import { customerId, item, workerId, workloadId } from "../domain/pool-builder.ts";
import { registrationOf, stillPool } from "./pool.ts";

const [me, other] = [workerId(1), workerId(2)];
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const claim = (number: number): Held => ({
  ...{ customer_id: customerId(number), workload_id: workloadId(number), generation: 1 },
});
const address = { worker_id: me, ...claim(1), sequence: 1, index: 0 };
const ended: WorkerEvent = { kind: "released", event_id: 7, workload_id: workloadId(1), generation: 1 };

const enlist = (pool: Pool, slots: number) =>
  take(pool, me, { type: "worker.register", payload: registrationOf(1, slots) });
const beat = (pool: Pool, held: Held[]) =>
  take(pool, me, { type: "worker.heartbeat", payload: { worker_id: me, status: "HEALTHY", slots: 1, used: 0, held } });

/** Settles when all that was named before has been answered. */
const asked = (pool: Pool, number: number) => pool.strangers.exists(customerId(number));

test("of thousands of invented customers none is made, and each is over with the next heartbeat", async () => {
  const questions: number[] = [];
  const known = async (ids: readonly CustomerId[]) => {
    questions.push(ids.length);
    return [];
  };
  const pool = stillPool({ known });
  const count = strangersAskedMax + 1;
  await enlist(pool, count);
  const invented = numbers(count).map(claim);
  expect(await beat(pool, invented)).toMatchObject({ payload: { fenced: [] } });
  expect(await asked(pool, count)).toBe(false);
  expect(questions).toEqual([strangersAskedMax, 1]);
  expect(pool.tenants.all.size).toBe(0);
  expect(await beat(pool, invented)).toMatchObject({ payload: { fenced: invented } });
  expect(questions.length).toBe(2);
});

test("a customer that exists is asked what it holds, and the worker is not told that it is over", async () => {
  const pool = stillPool({ known: async (ids) => ids.filter((id) => id === customerId(1)) });
  await enlist(pool, 2);
  await beat(pool, [claim(1), claim(2)]);
  await asked(pool, 2);
  expect([...pool.tenants.all.keys()]).toEqual([customerId(1)]);
  expect(await beat(pool, [claim(1), claim(2)])).toMatchObject({ payload: { fenced: [claim(2)] } });
});

test("while the database does not answer nobody is fenced and nothing is made", async () => {
  const pool = stillPool({ known: () => Promise.reject(new StoreUnavailable("away")) });
  await enlist(pool, 1);
  await beat(pool, [claim(1)]);
  expect(await asked(pool, 1)).toBeNull();
  expect(await beat(pool, [claim(1)])).toMatchObject({ payload: { fenced: [] } });
  expect(await report(pool)).toMatchObject({ type: "error", payload: { code: "unavailable", retry: true } });
  expect(pool.tenants.all.size).toBe(0);
});

test("what a worker lists beyond its slots and what is known of it is passed over", async () => {
  const pool = stillPool();
  await enlist(pool, 1);
  const most = 1 + heldBeyondSlotsMax;
  const claimed = numbers(most + 5).map(claim);
  await beat(pool, claimed);
  await asked(pool, most);
  expect(await beat(pool, claimed)).toMatchObject({ payload: { fenced: claimed.slice(0, most) } });
  expect(pool.ledger.workers.get(me)?.unknown.size).toBe(most);
});

test("an attempt of another worker is over for whoever lists it, and stays with that worker", async () => {
  const pool = stillPool();
  await enlist(pool, 1);
  pool.ledger.enroll(registrationOf(2, 1), 0);
  const attempt = pool.ledger.reserve(item(1), customerId(1), other);
  pool.ledger.settle(attempt, 1, "held");
  expect(await beat(pool, [claim(1)])).toMatchObject({ payload: { fenced: [claim(1)] } });
  expect(pool.ledger.find(claim(1))).toBe(attempt);
});

const report = (pool: Pool) =>
  take(pool, me, {
    ...{ type: "worker.events", payload: { worker_id: me, customer_id: customerId(1), events: [ended] } },
  });
const refused = { type: "events.outcome", payload: { outcomes: [{ event_id: 7, outcome: "refused" }] } };

test("reports and bytes for a customer that does not exist are answered, and reach no coordinator", async () => {
  const pool = stillPool();
  await enlist(pool, 1);
  expect(await report(pool)).toMatchObject(refused);
  const stored = await take(pool, me, { type: "worker.checkpoint_chunk", payload: { ...address, data: "" } });
  expect(stored).toEqual({ type: "checkpoint.stored", payload: { outcome: "fenced" } });
  const fetched = await take(pool, me, { type: "worker.fetch_checkpoint", payload: address });
  expect(fetched).toEqual({ type: "checkpoint.chunk", payload: { outcome: "fenced", data: "" } });
  expect(pool.tenants.all.size).toBe(0);
});

const coordinatorWith = (standing: CoordinatorLink["standing"]): CoordinatorLink => ({
  ...{ standing, exchange: never, putChunk: never, getChunk: never, tick: never },
});
const never = () => Promise.reject(new Error("not asked here"));

test("reports for a customer that is gone meanwhile are refused, not left without an answer", async () => {
  const gone = async () => ({ ok: false, refusal: { kind: "unknown_customer" } }) as const;
  const pool = stillPool({ coordinator: () => coordinatorWith(gone) });
  await enlist(pool, 1);
  const tenant = pool.tenants.get(customerId(1));
  const reply = report(pool);
  pump(pool, tenant);
  expect(await reply).toMatchObject(refused);
  expect(isFamiliar(pool, customerId(1))).toBe(false);
});

test("only so many coordinators are asked at once what they hold", () => {
  const begun: CustomerId[] = [];
  const coordinator = (id: CustomerId) => {
    begun.push(id);
    return coordinatorWith(() => new Promise(() => undefined));
  };
  const pool = stillPool({ coordinator });
  for (const number of numbers(tenantsAttachingMax + 5)) pump(pool, pool.tenants.get(customerId(number)));
  expect(begun.length).toBe(tenantsAttachingMax);
});

test("a report in the name of another customer frees no slot", async () => {
  const pool = stillPool();
  await enlist(pool, 1);
  const attempt = pool.ledger.reserve(item(1), customerId(2), me);
  pool.ledger.settle(attempt, 1, "held");
  expect(await report(pool)).toMatchObject(refused);
  expect(attempt.state).toBe("held");
});
