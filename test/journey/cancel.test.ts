/** What is cancelled ends: waiting, running or deaf, and its slot goes to the next. */
import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { expectAllKept, type Journey, journeys, openGate } from "../support/journey.ts";
import { metricOf } from "../support/metrics.ts";

const { begin } = journeys({ leaseSeconds: 10, heartbeatSeconds: 1 });

/** A process that has ended and is not yet reaped still has its pid, and nothing else. */
function isAlive(pid: number): boolean {
  const file = `/proc/${pid}/stat`;
  return existsSync(file) && !readFileSync(file, "utf8").includes(") Z ");
}

/** One slot, and a workload that holds it. */
async function holding(journey: Journey, workload_type: string, input_params: Record<string, string | number>) {
  const { client, affinity: affinity_rules } = journey;
  await journey.agent({ slots: 1 });
  const holder = await client.submit({ workload_type, input_params, affinity_rules });
  await client.untilStatus(holder, "RUNNING");
  const next = await client.submit({ workload_type: "noop", affinity_rules });
  return { holder, next };
}

test("a running workload hears of its cancel, and the next one gets its slot", async () => {
  const journey = await begin();
  const { client } = journey;
  const { holder, next } = await holding(journey, "journey.wait", { gate: journey.gate() });
  await client.cancel(holder, "no longer needed");
  expect((await client.get(holder)).status).toBe("CANCELLED");
  await client.untilStatus(next, "COMPLETED");
  expect((await client.untilAudit(holder, "workload.cancelled")).details).toEqual({ reason: "no longer needed" });
  await expectAllKept(journey, [holder, next]);
});

test("a running process is ended with its children, and the next one gets its slot", async () => {
  const journey = await begin();
  const { client } = journey;
  const { holder, next } = await holding(journey, "shell", { script: "sleep 600 & echo $!; wait" });
  const logs = await client.until(
    "the child's pid",
    () => client.logs(holder),
    (lines) => lines.length > 0,
  );
  const pid = Number(logs[0]?.message);
  expect(isAlive(pid)).toBe(true);
  await client.cancel(holder);
  await client.untilStatus(next, "COMPLETED");
  expect(isAlive(pid)).toBe(false);
  await expectAllKept(journey, [holder, next]);
});

test("a queued workload never starts", async () => {
  const journey = await begin();
  const { client, affinity: affinity_rules } = journey;
  const gate = journey.gate();
  const { holder, next } = await holding(journey, "journey.wait", { gate });
  const last = await client.submit({ workload_type: "noop", affinity_rules });
  await client.cancel(next);
  openGate(gate);
  await client.untilStatus(last, "COMPLETED");
  expect((await client.audit(next)).map(({ event_type }) => event_type)).toEqual([
    "workload.created",
    "workload.cancelled",
  ]);
  await expectAllKept(journey, [holder, next, last]);
});

test("a workload that hears nothing is ended by force, and the next one gets its slot", async () => {
  const journey = await begin();
  const { client } = journey;
  const { holder, next } = await holding(journey, "journey.block", { ms: 0 });
  await client.until(
    "it to block",
    () => client.get(holder),
    (view) => view.progress_percent > 0,
  );
  await client.cancel(holder);
  expect((await client.get(holder)).status).toBe("CANCELLED");
  await client.untilStatus(next, "COMPLETED");
  await expectAllKept(journey, [holder, next]);
});

test("a cancel that comes again changes nothing, and one that comes too late is refused", async () => {
  const journey = await begin();
  const { client } = journey;
  const { holder, next } = await holding(journey, "journey.wait", { gate: journey.gate() });
  await client.cancel(holder);
  await client.cancel(holder);
  await client.untilStatus(next, "COMPLETED");
  await expect(client.cancel(next)).rejects.toMatchObject({ status: 400 });
  await expectAllKept(journey, [holder, next]);
});

test("what is over holds no slot in the metrics either", async () => {
  const journey = await begin();
  const { client, stack } = journey;
  const { holder, next } = await holding(journey, "journey.wait", { gate: journey.gate() });
  await client.cancel(holder);
  await client.untilStatus(next, "COMPLETED");
  const used = () => metricOf(stack.dev, "niyanta_worker_capacity_used");
  await client.until("no slot to be used", used, (count) => count === 0);
  await expectAllKept(journey, [holder, next]);
});
