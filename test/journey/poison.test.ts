/** A workload that kills its workers is stopped by its own bound of deaths, and harms nobody else's work. */
import { expect, test } from "vitest";
import { workerDeathsMaxDefault } from "../../schema/limits.ts";
import { expectAllKept, journeys } from "../support/journey.ts";

const { begin } = journeys({ leaseSeconds: 1.5, heartbeatSeconds: 0.5, restart: true });

test("a workload that kills every worker it is given ends FAILED after its bound of deaths", async () => {
  const journey = await begin();
  const { client, affinity: affinity_rules } = journey;
  await Promise.all([journey.agent(), journey.agent()]);
  const id = await client.submit({ workload_type: "journey.poison", affinity_rules });
  const failed = await client.untilStatus(id, "FAILED");
  expect(failed).toMatchObject({
    death_count: workerDeathsMaxDefault,
    retry_count: 0,
    error: { type: "WORKER_DEATHS" },
  });
  const after = await client.submit({ workload_type: "noop", affinity_rules });
  await client.untilStatus(after, "COMPLETED");
  await expectAllKept(journey, [id, after]);
});
