/** What an operator and a customer are told of the fleet, and what becomes of work whose worker is drained or removed. */
import { expect, test } from "vitest";
import { benchmarkOverrides, builtInTypes } from "../../infra/local/seed-customer.ts";
import { createIdSource, secureRandom } from "../../schema/ids.ts";
import { Client } from "../support/client.ts";
import { agentExit, expectAllKept, journeys, workerOf } from "../support/journey.ts";
import { Operator } from "../support/operator.ts";
import { newCustomer } from "../support/stack.ts";

const { begin } = journeys({ leaseSeconds: 10, heartbeatSeconds: 1 });

const long = { workload_type: "sleep", input_params: { duration_ms: 600_000, step_ms: 50 } } as const;
const hourMs = 3_600_000;

test("a workload that waits is told of the one rule that keeps it", async () => {
  const journey = await begin();
  const { stack, client } = journey;
  const workloadTypes = [...builtInTypes, "nobody.runs"];
  const capped = await newCustomer(stack, { overrides: { ...benchmarkOverrides, runningMax: 1 }, workloadTypes });
  const other = new Client(stack.dev.api_url, capped.key);
  const first = await client.submit({ workload_type: "noop" });
  expect(await client.explain(first)).toMatchObject({ rule: "POOL_EMPTY", queue: { position: 1 } });
  await journey.agent({ slots: 1 });
  await client.untilStatus(first, "COMPLETED");
  const nobody = await other.submit({ workload_type: "nobody.runs" });
  expect(await other.explain(nobody)).toMatchObject({
    rule: "NO_CAPABLE_WORKER",
    details: { workload_type: "nobody.runs", workers: 1 },
    forecast_reason: "waits_for_a_change",
  });
  const nowhere = { hard_affinity: { worker_tags: { zone: "nowhere" } } };
  const pinned = await client.submit({ workload_type: "noop", affinity_rules: nowhere });
  expect(await client.explain(pinned)).toMatchObject({
    rule: "HARD_AFFINITY",
    details: { worker_tags: { zone: "nowhere" } },
  });
  const later = await client.submit({ workload_type: "noop", run_at: new Date(Date.now() + hourMs).toISOString() });
  expect(await client.explain(later)).toMatchObject({ rule: "NOT_DUE", queue: null });
  const runs = await other.submit(long);
  await other.untilStatus(runs, "RUNNING");
  expect(await other.explain(runs)).toMatchObject({ rule: "RUNNING" });
  const second = await other.submit({ workload_type: "noop" });
  expect(await other.explain(second)).toMatchObject({ rule: "CUSTOMER_CAP", details: { running: 1, cap: 1 } });
  const full = await client.submit({ workload_type: "noop" });
  const told = await client.explain(full);
  expect(told).toMatchObject({ rule: "NO_FREE_SLOT", details: { slots_used: 1, slots: 1 }, forecast_reason: null });
  expect(told.queue).toEqual({ position: 2, ahead: 1, depth: 3 });
  for (const id of [runs, second, nobody]) await other.cancel(id);
  await client.untilStatus(full, "COMPLETED");
  for (const id of [pinned, later]) await client.cancel(id);
  expect(await client.explain(later)).toMatchObject({ rule: "CANCELLED", details: { actor_type: "user" } });
  await expectAllKept(journey, [first, pinned, later, full]);
});

test("a worker that the operator drains hands its work back and leaves in order", async () => {
  const journey = await begin();
  const { stack, client, affinity: affinity_rules } = journey;
  const operator = new Operator(stack.dev);
  const leaving = workerOf(await journey.agent());
  const id = await client.submit({ ...long, affinity_rules });
  await client.untilStatus(id, "RUNNING");
  expect(await operator.worker(leaving)).toMatchObject({
    status: "HEALTHY",
    slots_used: 1,
    running: [{ workload_id: id, state: "held", generation: 1 }],
  });
  const heir = workerOf(await journey.agent());
  const exit = agentExit(stack, leaving);
  expect(await operator.drain(leaving)).toMatchObject({ worker_id: leaving, status: "DRAINING" });
  expect(await exit).toMatchObject({ code: 0 });
  await client.until(
    "the heir to run it",
    () => client.get(id),
    ({ status, worker_id }) => status === "RUNNING" && worker_id === heir,
  );
  const [checkpoint] = await client.checkpoints(id);
  expect(await client.attempts(id)).toMatchObject([
    { worker_id: leaving, outcome: "handed_back", from_checkpoint: null },
    { worker_id: heir, outcome: "running", ended_at: null, from_checkpoint: checkpoint?.sequence },
  ]);
  expect(await operator.drain(leaving)).toMatchObject({ status: "REMOVED", running: [] });
  const listed = (await operator.workers({ status: "HEALTHY" })).map(({ worker_id }) => worker_id);
  expect([listed.includes(heir), listed.includes(leaving)]).toEqual([true, false]);
  await client.cancel(id);
  await expectAllKept(journey, [id]);
});

test("the work of a worker that the operator removes goes elsewhere at once, and the worker may not come back", async () => {
  const journey = await begin();
  const { stack, client, affinity: affinity_rules } = journey;
  const operator = new Operator(stack.dev);
  const doomed = workerOf(await journey.agent());
  const id = await client.submit({ ...long, affinity_rules });
  await client.untilStatus(id, "RUNNING");
  const heir = workerOf(await journey.agent());
  const exit = agentExit(stack, doomed);
  expect(await operator.remove(doomed, 2)).toEqual([204, 204]);
  expect(await exit).toMatchObject({ code: 77 });
  const view = await client.until(
    "the heir to run it",
    () => client.get(id),
    ({ status, worker_id }) => status === "RUNNING" && worker_id === heir,
  );
  expect(view).toMatchObject({ death_count: 0, retry_count: 0 });
  expect(await client.attempts(id)).toMatchObject([{ worker_id: doomed, outcome: "lost" }, { worker_id: heir }]);
  const { details } = await client.untilAudit(id, "workload.redistributed");
  expect(details).toEqual({ worker_id: doomed, reason: "worker removed" });
  expect(await operator.worker(doomed)).toMatchObject({ status: "REMOVED", running: [] });
  await expect(journey.agent({ env: { NIYANTA_WORKER_ID: doomed } })).rejects.toThrow();
  expect(await operator.remove(createIdSource(Date.now, secureRandom).worker())).toEqual([404]);
  await client.cancel(id);
  await expectAllKept(journey, [id]);
});
