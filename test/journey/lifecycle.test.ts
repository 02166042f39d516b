/** From submission to the end on real parts: what runs, what fails, what waits, and in which order. */
import { describe, expect, test } from "vitest";
import { expectAllKept, journeys, openGate, workerOf } from "../support/journey.ts";

const { begin } = journeys({ leaseSeconds: 10, heartbeatSeconds: 1 });

describe("a workload that succeeds", () => {
  test("is created, scheduled, started and completed, in this order, with its result and its log", async () => {
    const journey = await begin();
    const { client, affinity } = journey;
    const agent = await journey.agent();
    const input_params = { steps: 3, hold_at: 0, gate: journey.gate() };
    const id = await client.submit({ workload_type: "journey.add", input_params, affinity_rules: affinity });
    const done = await client.untilStatus(id, "COMPLETED");
    expect(done).toMatchObject({ progress_percent: 100, result_data: { sum: 6, resumed_from: 0 }, worker_id: null });
    const events = await client.audit(id);
    const lifecycle = ["created", "scheduled", "started", "completed"].map((name) => `workload.${name}`);
    expect(events.map(({ event_type }) => event_type).filter((type) => lifecycle.includes(type))).toEqual(lifecycle);
    expect(events.find(({ event_type }) => event_type === "workload.scheduled")?.details).toEqual({
      worker_id: workerOf(agent),
    });
    const lines = await client.until(
      "the log",
      () => client.logs(id),
      (logs) => logs.length >= 3,
    );
    expect(lines.map(({ message }) => message)).toEqual(["step 1", "step 2", "step 3"]);
    await expectAllKept(journey, [id]);
  });

  test("exists once, however often it is sent under one key", async () => {
    const journey = await begin();
    const { client } = journey;
    await journey.agent();
    const body = { workload_type: "noop", input_params: { n: 1 }, affinity_rules: journey.affinity };
    const ids = await Promise.all(Array.from({ length: 5 }, () => client.submit(body, "one")));
    await client.untilStatus(ids[0] ?? (await client.submit(body, "one")), "COMPLETED");
    expect(new Set([...ids, await client.submit(body, "one")]).size).toBe(1);
    expect((await client.list()).workloads).toHaveLength(1);
    await expect(client.submit({ ...body, input_params: { n: 2 } }, "one")).rejects.toMatchObject({ status: 409 });
    await expectAllKept(journey, ids);
  });

  test("may be a process that speaks by lines", async () => {
    const journey = await begin();
    const { client } = journey;
    await journey.agent();
    const script = [
      `echo '{"niyanta":"progress","percent":50,"message":"half"}'`,
      "echo a plain line",
      `echo '{"niyanta":"checkpoint","data":{"at":1}}'`,
      `echo '{"niyanta":"result","data":{"answer":42}}'`,
    ].join("\n");
    const affinity_rules = journey.affinity;
    const id = await client.submit({ workload_type: "shell", input_params: { script }, affinity_rules });
    const done = await client.untilStatus(id, "COMPLETED");
    expect(done).toMatchObject({ result_data: { answer: 42 }, checkpoint_sequence: 1 });
    const logs = await client.until(
      "the log",
      () => client.logs(id),
      (lines) => lines.length > 0,
    );
    expect(logs.map(({ message }) => message)).toEqual(["a plain line"]);
    await expectAllKept(journey, [id]);
  });
});

describe("a workload that fails", () => {
  test("for good is not tried again", async () => {
    const journey = await begin();
    const { client, affinity } = journey;
    await journey.agent();
    const id = await client.submit({ workload_type: "journey.hopeless", affinity_rules: affinity });
    const failed = await client.untilStatus(id, "FAILED");
    expect(failed).toMatchObject({ retry_count: 0, generation: 1, error: { message: "not in this world" } });
    await expectAllKept(journey, [id]);
  });

  test("for a while is tried again until it succeeds", async () => {
    const journey = await begin();
    const { client, affinity } = journey;
    await journey.agent();
    const input_params = { failures: 2 };
    const id = await client.submit({ workload_type: "journey.flaky", input_params, affinity_rules: affinity });
    const done = await client.untilStatus(id, "COMPLETED");
    expect(done).toMatchObject({ retry_count: 2, result_data: { attempt: 3 }, error: null });
    const retries = (await client.audit(id)).filter(({ event_type }) => event_type === "workload.retry_scheduled");
    expect(retries.map(({ details }) => details)).toMatchObject([
      { kind: "transient", retry: 1 },
      { kind: "transient", retry: 2 },
    ]);
    await expectAllKept(journey, [id]);
  });

  test("more often than it may is given up", async () => {
    const journey = await begin({ maxRetries: 1 });
    const { client, affinity } = journey;
    await journey.agent();
    const input_params = { failures: 9 };
    const id = await client.submit({ workload_type: "journey.flaky", input_params, affinity_rules: affinity });
    expect(await client.untilStatus(id, "FAILED")).toMatchObject({ retry_count: 1, generation: 2 });
    await expectAllKept(journey, [id]);
  });

  test("by outrunning its time is retried as one that failed for a while", async () => {
    const journey = await begin({ maxRetries: 1 });
    const { client, affinity } = journey;
    await journey.agent();
    const input_params = { gate: journey.gate() };
    const id = await client.submit({
      ...{ workload_type: "journey.wait", input_params, affinity_rules: affinity },
      timeout_seconds: 1,
    });
    expect((await client.untilAudit(id, "workload.retry_scheduled")).details).toMatchObject({ kind: "timeout" });
    expect(await client.untilStatus(id, "FAILED")).toMatchObject({ retry_count: 1 });
    await expectAllKept(journey, [id]);
  });
});

describe("a workload that waits", () => {
  test("for its time does not start before it", async () => {
    const journey = await begin();
    const { client } = journey;
    await journey.agent();
    const run_at = new Date(Date.now() + 1_000).toISOString();
    const id = await client.submit({ workload_type: "noop", run_at, affinity_rules: journey.affinity });
    const done = await client.untilStatus(id, "COMPLETED");
    expect(Date.parse(done.scheduled_at ?? "")).toBeGreaterThanOrEqual(Date.parse(run_at));
    await expectAllKept(journey, [id]);
  });

  test("for the only slot goes by its priority", async () => {
    const journey = await begin();
    const { client, affinity: affinity_rules } = journey;
    await journey.agent({ slots: 1 });
    const gate = journey.gate();
    const first = await client.submit({ workload_type: "journey.wait", input_params: { gate }, affinity_rules });
    await client.untilStatus(first, "RUNNING");
    const submit = (priority: number) => client.submit({ workload_type: "noop", priority, affinity_rules });
    const [low, high, middle] = [await submit(1), await submit(900), await submit(500)];
    openGate(gate);
    const ids = [first, low, high, middle];
    const started: [string, bigint][] = [];
    for (const id of ids) {
      await client.untilStatus(id, "COMPLETED");
      started.push([id, BigInt((await client.untilAudit(id, "workload.started")).event_id)]);
    }
    const order = started.sort(([, a], [, b]) => (a < b ? -1 : 1)).map(([id]) => id);
    expect(order).toEqual([first, high, middle, low]);
    await expectAllKept(journey, ids);
  });

  test("for a worker that can run its type goes to that one", async () => {
    const journey = await begin();
    const { client, affinity: affinity_rules } = journey;
    const [able] = await Promise.all([journey.agent(), journey.agent({ env: { NIYANTA_WORKLOADS: "" } })]);
    const rare = { workload_type: "journey.flaky", input_params: { failures: 0 }, affinity_rules };
    const ids = await client.submitBatch(Array.from({ length: 10 }, () => rare));
    for (const id of ids) {
      await client.untilStatus(id, "COMPLETED");
      expect((await client.untilAudit(id, "workload.scheduled")).details).toEqual({ worker_id: workerOf(able) });
    }
    await expectAllKept(journey, ids);
  });

  test("for a type that nobody can run yet starts when such a worker joins", async () => {
    const journey = await begin();
    const { client, affinity: affinity_rules } = journey;
    await journey.agent({ env: { NIYANTA_WORKLOADS: "" } });
    const rare = { workload_type: "journey.flaky", input_params: { failures: 0 }, affinity_rules };
    const id = await client.submit({ ...rare, priority: 1_000 });
    const common = await client.submit({ workload_type: "noop", affinity_rules });
    await client.untilStatus(common, "COMPLETED"); // held up by nobody
    expect((await client.get(id)).status).toBe("PENDING");
    await journey.agent();
    await client.untilStatus(id, "COMPLETED");
    await expectAllKept(journey, [id, common]);
  });
});
