import { appendFileSync } from "node:fs";
import { test } from "vitest";
import { journeys, openGate, partExit, expectAllKept } from "/work/main/test/support/journey.ts";
const { begin } = journeys({ leaseSeconds: 30, heartbeatSeconds: 1, dataFolder: "/tmp/h7-data", logLevel: "debug" });
for (let n = 0; n < 8; n += 1)
test(`n${n}`, async () => {
  const j = await begin(); const { client, stack } = j;
  await Promise.all([j.agent({slots:25}), j.agent({slots:25})]);
  const gate = j.gate();
  const body = { workload_type: "journey.wait", input_params: { gate }, affinity_rules: j.affinity };
  const ids = await client.submitBatch(Array.from({ length: 90 }, () => body));
  await client.untilCount("RUNNING", 50);
  const held = (await client.list({ status: "RUNNING", limit: "50" })).workloads;
  const gone = partExit(stack, "coordinator"); stack.kill("coordinator"); await gone;
  await stack.start("coordinator");
  const late = await client.submitSurely(body, "late");
  openGate(gate);
  for (const id of ids) await client.untilStatus(id, "COMPLETED");
  for (const { workload_id } of held) { const v = await client.get(workload_id); if ((v.result_data as any).by !== 1) { appendFileSync("/tmp/h7-out", `${n} ${JSON.stringify(await client.audit(workload_id))}\n`); throw new Error("found"); } }
});
