import { appendFileSync } from "node:fs";
import { test } from "vitest";
import { journeys, openGate, partExit, expectAllKept } from "/work/main/test/support/journey.ts";
const { begin } = journeys({ leaseSeconds: 30, heartbeatSeconds: 1, dataFolder: "/tmp/h7-data", logLevel: "debug" });
for (const part of ["coordinator", "nats", "postgres", "gateway"] as const)
test(part, async () => {
  const j = await begin(); const { client, stack } = j;
  await Promise.all([j.agent({slots:25}), j.agent({slots:25})]);
  const gate = j.gate();
  const body = { workload_type: "journey.wait", input_params: { gate }, affinity_rules: j.affinity };
  const t0 = performance.now(); const say = (s: string) => appendFileSync("/tmp/h7-out", `${part} ${Math.round(performance.now() - t0)} ${new Date().toISOString()} ${s}\n`);
  const ids = await client.submitBatch(Array.from({ length: 90 }, () => body));
  await client.untilCount("RUNNING", 50); say("running");
  openGate(gate);
  await client.untilCount("COMPLETED", 1); say("open");
  const gone = partExit(stack, part); stack.kill(part); await gone; say("gone");
  await stack.start(part); say("started");
  const late = await client.submitSurely(body, "late"); say("submitted");
  await client.untilCount("COMPLETED", 50); say("50 done");
  await client.untilCount("COMPLETED", 91); say("all");
  await expectAllKept(j, [...ids, late]);
});
