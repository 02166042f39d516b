import { test } from "vitest";
import { writeFileSync } from "node:fs";
import { journeys, openGate, partExit } from "/work/main/test/support/journey.ts";
const { begin } = journeys({ leaseSeconds: 30, heartbeatSeconds: 1, dataFolder: "/tmp/h7-data" });
test("x", async () => {
  const j = await begin(); const { client, stack } = j;
  await Promise.all([j.agent({slots:25}), j.agent({slots:25})]);
  const gate = j.gate();
  const body = { workload_type: "journey.wait", input_params: { gate }, affinity_rules: j.affinity };
  const t0 = performance.now(); const say = (s: string) => console.log(Math.round(performance.now() - t0), new Date().toISOString(), s);
  const ids = await client.submitBatch(Array.from({ length: 90 }, () => body));
  await client.untilCount("RUNNING", 50); say("running");
  const gone = partExit(stack, "coordinator"); stack.kill("coordinator"); await gone; say("gone");
  await stack.start("coordinator"); say("started");
  const late = await client.submitSurely(body, "late"); say("submitted");
  openGate(gate);
  await client.untilCount("COMPLETED", 50); say("50 done");
  await client.untilCount("COMPLETED", 91); say("all");
});
