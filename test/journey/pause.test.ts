/** What its owner does to work that runs: it pauses, goes on, moves, is repeated, and whatever dies on the way forgets none of it. */
import { expect, test } from "vitest";
import type { WorkloadId } from "../../schema/ids.ts";
import type { Client } from "../support/client.ts";
import { expectAllKept, type Journey, journeys, openGate, partExit, workerOf } from "../support/journey.ts";

const elsewhere = "elsewhere";
const { begin } = journeys({
  leaseSeconds: 3,
  heartbeatSeconds: 1,
  bindings: { NIYANTA_POOLS: `default,${elsewhere}` },
});

const types = async (client: Client, id: WorkloadId) =>
  (await client.audit(id)).map(({ event_type }) => event_type.replace("workload.", ""));

/** A workload that has saved five of its ten steps, and waits at a gate. */
async function halfway({ client, affinity, gate: newGate }: Journey, workloadAffinity = affinity) {
  const gate = newGate();
  const input_params = { steps: 10, hold_at: 5, gate };
  const id = await client.submit({ workload_type: "journey.add", input_params, affinity_rules: workloadAffinity });
  await client.untilAudit(id, "workload.checkpoint_created", 5);
  return { id, gate };
}

/** A workload that hears nothing, and is asked to pause: its worker ends it by force after a while. */
async function pausingDeaf({ client, affinity: affinity_rules }: Journey, idempotencyKey?: string) {
  const id = await client.submit({ workload_type: "journey.block", input_params: { ms: 0 }, affinity_rules });
  await client.until(
    "it to block",
    () => client.get(id),
    (view) => view.progress_percent > 0,
  );
  // The answer waits for the worker, which may die before.
  const answer = client.pause(id, idempotencyKey).catch((error: unknown) => error);
  await client.until(
    "the pause to be under way",
    () => client.get(id),
    ({ pending_action }) => pending_action === "pause",
  );
  return { id, answer };
}

test("what is paused gives its slot away, and goes on from its checkpoint when it is resumed", async () => {
  const journey = await begin();
  const { client, affinity: affinity_rules } = journey;
  await journey.agent({ slots: 1 });
  const input_params = { duration_ms: 3_000, step_ms: 20 };
  const id = await client.submit({ workload_type: "sleep", input_params, affinity_rules });
  await client.until(
    "some progress",
    () => client.get(id),
    (view) => view.progress_percent > 0,
  );
  const paused = await client.pause(id);
  expect(paused).toMatchObject({ status: "PAUSED", worker_id: null, checkpoint_sequence: expect.any(Number) });
  expect((await client.get(id)).checkpoint_sequence).toBeGreaterThan(0);
  const next = await client.submit({ workload_type: "noop", affinity_rules });
  await client.untilStatus(next, "COMPLETED");
  await client.resume(id);
  const done = await client.untilStatus(id, "COMPLETED");
  expect(done).toMatchObject({ retry_count: 0, death_count: 0 });
  expect(done.result_data).toMatchObject({ resumed_from_ms: expect.any(Number) });
  expect(done.result_data).not.toMatchObject({ resumed_from_ms: 0 });
  await expectAllKept(journey, [id, next]);
});

test("a pause outlives the worker that was to let go, and nobody else gets the work", async () => {
  const journey = await begin();
  const { client, stack, affinity: affinity_rules } = journey;
  const agent = await journey.agent();
  const { id, answer } = await pausingDeaf(journey);
  stack.kill(workerOf(agent));
  await journey.agent();
  expect(await client.untilStatus(id, "PAUSED")).toMatchObject({ death_count: 1, worker_id: null });
  await answer;
  const next = await client.submit({ workload_type: "noop", affinity_rules });
  await client.untilStatus(next, "COMPLETED");
  expect(await types(client, id)).toEqual([
    "created",
    "scheduled",
    "started",
    "progress_updated",
    "redistributed",
    "paused",
  ]);
  await client.cancel(id);
  await expectAllKept(journey, [id, next]);
});

test("a pause outlives the coordinator that was asked for it", async () => {
  const journey = await begin();
  const { client, stack } = journey;
  await journey.agent();
  const { id, answer } = await pausingDeaf(journey);
  const gone = partExit(stack, "coordinator");
  stack.kill("coordinator");
  await gone;
  await stack.start("coordinator");
  await answer;
  expect(await client.untilStatus(id, "PAUSED")).toMatchObject({ death_count: 0, retry_count: 0 });
  await client.cancel(id);
  await expectAllKept(journey, [id]);
});

test("a pause sent again has the outcome of the first, whatever came after it, and pauses nothing again", async () => {
  const journey = await begin();
  const { client } = journey;
  await journey.agent({ slots: 2 });
  const { id, gate } = await halfway(journey);
  expect(await client.pause(id, "lost")).toMatchObject({ status: "PAUSED" });
  await client.resume(id);
  await client.untilStatus(id, "RUNNING");
  expect(await client.pause(id, "lost")).toMatchObject({ status: "RUNNING", pending_action: null });
  openGate(gate);
  await client.untilStatus(id, "COMPLETED");
  expect(await client.pause(id, "lost")).toMatchObject({ status: "COMPLETED" });
  const { id: deaf, answer } = await pausingDeaf(journey, "too late");
  await client.cancel(deaf);
  expect(await answer).toMatchObject({ status: 400 });
  await expect(client.pause(deaf, "too late")).rejects.toMatchObject({ status: 400 });
  await expectAllKept(journey, [id, deaf]);
});

test("what runs moves to another pool, and goes on there from its checkpoint", async () => {
  const journey = await begin();
  const { client } = journey;
  const [, there] = await Promise.all([journey.agent(), journey.agent({ pool: elsewhere })]);
  const { id, gate } = await halfway(journey);
  await client.move(id, { pool: elsewhere });
  const moved = await client.until(
    "it to run elsewhere",
    () => client.get(id),
    ({ status, pool }) => status === "RUNNING" && pool === elsewhere,
  );
  expect(moved.worker_id).toBe(workerOf(there));
  openGate(gate);
  const done = await client.untilStatus(id, "COMPLETED");
  expect(done).toMatchObject({ result_data: { sum: 55, resumed_from: 5 }, pool: elsewhere, retry_count: 0 });
  expect((await types(client, id)).filter((type) => /paused|moved|resumed/.test(type))).toEqual([
    "paused",
    "moved",
    "resumed",
  ]);
  await expectAllKept(journey, [id]);
});

test("what runs moves to other workers of its pool", async () => {
  const journey = await begin();
  const { client, customerId } = journey;
  const bindTo = (zone: string) => ({ hard_affinity: { worker_tags: { journey: customerId, zone } } });
  const [, there] = await Promise.all([journey.agent({ tags: { zone: "a" } }), journey.agent({ tags: { zone: "b" } })]);
  const { id, gate } = await halfway(journey, bindTo("a"));
  await client.move(id, { affinity_rules: bindTo("b") });
  const moved = await client.until(
    "it to run on the other",
    () => client.get(id),
    ({ status, worker_id }) => status === "RUNNING" && worker_id === workerOf(there),
  );
  expect(moved.affinity_rules).toEqual(bindTo("b"));
  openGate(gate);
  expect((await client.untilStatus(id, "COMPLETED")).result_data).toEqual({ sum: 55, resumed_from: 5 });
  await expectAllKept(journey, [id]);
});

test("what was cancelled is repeated as a new workload, from its checkpoint or from the beginning", async () => {
  const journey = await begin();
  const { client } = journey;
  await journey.agent();
  const { id, gate } = await halfway(journey);
  await client.cancel(id);
  openGate(gate);
  const [resumed, anew] = [await client.retry(id, true), await client.retry(id, false)];
  const done = await client.untilStatus(resumed, "COMPLETED");
  expect(done).toMatchObject({ retry_of: id, result_data: { sum: 55, resumed_from: 5 }, checkpoint_sequence: 10 });
  expect((await client.untilStatus(anew, "COMPLETED")).result_data).toEqual({ sum: 55, resumed_from: 0 });
  expect(await client.get(id)).toMatchObject({ status: "CANCELLED", retry_of: null });
  await expectAllKept(journey, [id, resumed, anew]);
});

test("a filter cancels all that it means, running or waiting, and nothing else", async () => {
  const journey = await begin();
  const { client, affinity: affinity_rules } = journey;
  await journey.agent({ slots: 3 });
  const body = { workload_type: "journey.wait", input_params: { gate: journey.gate() }, affinity_rules };
  const ids = await client.submitBatch(Array.from({ length: 10 }, () => ({ ...body, labels: { team: "a" } })));
  await client.untilCount("RUNNING", 3);
  const other = await client.submit({ workload_type: "noop", affinity_rules, labels: { team: "b" } });
  expect(await client.batch("cancel", { label: ["team:a"] })).toMatchObject({ count: 10, has_more: false });
  await client.untilStatus(other, "COMPLETED");
  expect(await client.count("CANCELLED")).toBe(10);
  expect(await client.batch("cancel", { label: ["team:a"] })).toMatchObject({ count: 0, operations: [] });
  await expectAllKept(journey, [...ids, other]);
});
