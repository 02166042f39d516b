/** Workers that die, leave, freeze, come back or are blocked: their work goes on elsewhere, once. */
import { expect, test } from "vitest";
import type { WorkerId, WorkloadId } from "../../schema/ids.ts";
import type { Client } from "../support/client.ts";
import { agentExit, expectAllKept, type Journey, journeys, openGate, workerOf } from "../support/journey.ts";
import { fingerprint, noise } from "../support/journey-workloads.ts";
import { metricOf } from "../support/metrics.ts";
import { sayAs } from "../support/zombie.ts";

const mib = 1024 * 1024;
const { begin } = journeys({ leaseSeconds: 3, heartbeatSeconds: 1 });

async function holderOf(client: Client, id: WorkloadId): Promise<WorkerId> {
  const { worker_id } = await client.get(id);
  if (worker_id === null) throw new Error(`${id} has no worker`);
  return worker_id;
}

/** Two agents, and a workload on one of them that has saved five of its ten steps. */
async function halfway(journey: Journey) {
  const { client, affinity } = journey;
  await Promise.all([journey.agent(), journey.agent()]);
  const gate = journey.gate();
  const input_params = { steps: 10, hold_at: 5, gate };
  const id = await client.submit({ workload_type: "journey.add", input_params, affinity_rules: affinity });
  await client.untilAudit(id, "workload.checkpoint_created", 5);
  return { id, gate, worker: await holderOf(client, id) };
}

test("a workload whose worker is killed goes on elsewhere from its newest checkpoint", async () => {
  const journey = await begin();
  const { client, stack } = journey;
  const { id, gate, worker } = await halfway(journey);
  stack.kill(worker);
  openGate(gate);
  const done = await client.untilStatus(id, "COMPLETED");
  expect(done).toMatchObject({ result_data: { sum: 55, resumed_from: 5 } });
  expect(done).toMatchObject({ death_count: 1, retry_count: 0, generation: 2, checkpoint_sequence: 10 });
  const placed = (await client.audit(id)).filter(({ event_type }) => event_type === "workload.scheduled");
  expect(placed.map(({ details }) => details)).not.toEqual([{ worker_id: worker }, { worker_id: worker }]);
  await expectAllKept(journey, [id]);
});

test("a worker that is asked to leave hands back what it runs, and no attempt is burnt", async () => {
  const journey = await begin();
  const { client, stack, affinity } = journey;
  const [first, second] = await Promise.all([journey.agent(), journey.agent()]);
  const gate = journey.gate();
  const body = { workload_type: "journey.keep", input_params: { gate }, affinity_rules: affinity };
  const ids = await client.submitBatch(Array.from({ length: 4 }, () => body));
  for (const id of ids)
    await client.until(
      "it to be ready",
      () => client.get(id),
      (view) => view.progress_percent === 1,
    );
  const leaving = workerOf(first);
  const exit = agentExit(stack, leaving);
  const affected: WorkloadId[] = [];
  for (const id of ids) if ((await holderOf(client, id)) === leaving) affected.push(id);
  expect(affected).not.toEqual([]);
  stack.kill(leaving, "SIGTERM");
  for (const id of affected) await client.untilAudit(id, "workload.handed_back");
  expect(await exit).toEqual({ code: 0, signal: null });
  openGate(gate);
  for (const id of ids) {
    const done = await client.untilStatus(id, "COMPLETED");
    expect(done).toMatchObject({ retry_count: 0, death_count: 0 });
    const by = affected.includes(id) ? 3 : 1;
    expect(done.result_data).toEqual({ kept: "of attempt 1", by });
    const placed = await client.untilAudit(id, "workload.scheduled", by === 3 ? 2 : 1);
    expect(placed.details).toEqual({ worker_id: workerOf(second) });
  }
  await expectAllKept(journey, ids);
});

test("a worker that freezes beyond its lease is fenced when it comes back, and may work again", async () => {
  const journey = await begin();
  const { client, stack, affinity } = journey;
  const { id, gate, worker } = await halfway(journey);
  stack.kill(worker, "SIGSTOP");
  await client.untilAudit(id, "workload.redistributed");
  openGate(gate);
  const done = await client.untilStatus(id, "COMPLETED");
  const trail = await client.audit(id);
  stack.kill(worker, "SIGCONT");
  const again = await client.submit({
    workload_type: "noop",
    affinity_rules: { hard_affinity: { ...affinity.hard_affinity, worker_id: worker } },
  });
  await client.untilStatus(again, "COMPLETED");
  expect(await client.get(id)).toEqual(done);
  expect(await client.audit(id)).toEqual(trail);
  expect(done).toMatchObject({ death_count: 1, generation: 2, result_data: { sum: 55, resumed_from: 5 } });
  await expectAllKept(journey, [id, again]);
});

test("whatever a worker of the past says of a workload is refused, and counted", async () => {
  const journey = await begin();
  const { client, stack, customerId } = journey;
  const { id, gate, worker } = await halfway(journey);
  const before = await metricOf(stack.dev, "niyanta_fenced_writes_total");
  stack.kill(worker);
  await client.untilAudit(id, "workload.started", 2);
  const trail = await client.audit(id);
  const of = { workload_id: id, generation: 1 };
  const error = { kind: "permanent" as const, type: "Zombie", message: "from the past" };
  const answers = await sayAs(stack, worker, customerId, [
    { ...of, event_id: 901, kind: "progress", percent: 99, message: null },
    { ...of, event_id: 902, kind: "handed_back" },
    { ...of, event_id: 903, kind: "failed", error },
    { ...of, event_id: 904, kind: "completed", result: { sum: -1 } },
  ]);
  expect(answers).toEqual(["fenced", "fenced", "fenced", "fenced"]);
  const counted = () => metricOf(stack.dev, "niyanta_fenced_writes_total");
  await client.until("the fenced writes to be counted", counted, (count) => count >= before + 4);
  openGate(gate);
  expect((await client.untilStatus(id, "COMPLETED")).result_data).toEqual({ sum: 55, resumed_from: 5 });
  expect((await client.audit(id)).slice(0, trail.length)).toEqual(trail);
  await expectAllKept(journey, [id]);
});

test("user code that blocks its thread beyond the lease costs its worker nothing", async () => {
  const journey = await begin();
  const { client, affinity } = journey;
  await journey.agent();
  const input_params = { ms: 4_500 };
  const id = await client.submit({ workload_type: "journey.block", input_params, affinity_rules: affinity });
  const done = await client.untilStatus(id, "COMPLETED");
  expect(done).toMatchObject({ generation: 1, death_count: 0, retry_count: 0, result_data: { blocked_ms: 4_500 } });
  await expectAllKept(journey, [id]);
});

test("a checkpoint of nearly 10 MB survives its worker, byte for byte", async () => {
  const journey = await begin();
  const { client, stack, affinity } = journey;
  await Promise.all([journey.agent(), journey.agent()]);
  const bytes = 10 * mib - 4_096;
  const gate = journey.gate();
  const id = await client.submit({
    ...{ workload_type: "journey.bulk", input_params: { bytes, gate }, affinity_rules: affinity },
  });
  await client.untilAudit(id, "workload.checkpoint_created");
  stack.kill(await holderOf(client, id));
  openGate(gate);
  const done = await client.untilStatus(id, "COMPLETED");
  expect(done.result_data).toEqual({ found: fingerprint(noise(bytes)), refused: null });
  expect(done).toMatchObject({ checkpoint_sequence: 1, death_count: 1 });
  await expectAllKept(journey, [id]);
});

test("a checkpoint over 10 MB is refused, and its workload goes on", async () => {
  const journey = await begin();
  const { client, affinity } = journey;
  await journey.agent();
  const gate = journey.gate();
  openGate(gate);
  const input_params = { bytes: 10 * mib + 1, gate };
  const id = await client.submit({ workload_type: "journey.bulk", input_params, affinity_rules: affinity });
  const done = await client.untilStatus(id, "COMPLETED");
  expect(done).toMatchObject({ checkpoint_sequence: 0, result_data: { found: null, refused: "CHECKPOINT_TOO_LARGE" } });
  await expectAllKept(journey, [id]);
});
