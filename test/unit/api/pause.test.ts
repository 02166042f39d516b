/** What a pause answers, by what has become of the workload when its worker has let go of it, or has not yet. */
import { expect, it, vi } from "vitest";
import type { WorkloadView } from "../../../schema/http/workload.ts";
import { workloadIdSchema } from "../../../schema/ids.ts";
import { startApi } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

/** One that runs, and what it has become by the end of the wait for it. */
async function pausing(meanwhile: Partial<WorkloadView>) {
  const api = await startApi();
  const tenant = await api.addCustomer();
  const id = workloadIdSchema.parse(await api.submit(tenant));
  const become = async (change: Partial<WorkloadView>) => {
    Object.assign((await api.memory.workload(tenant.customerId, id)) ?? {}, change);
  };
  await become({ status: "RUNNING" });
  const settled = api.memory.settled.bind(api.memory);
  vi.spyOn(api.memory, "settled").mockImplementation(async (...asked) => {
    await become(meanwhile);
    return settled(...asked);
  });
  const pause = () =>
    api.send("POST", `/v1/workloads/${id}/pause`, { key: tenant.key, headers: { "idempotency-key": "k" } });
  return { pause, become };
}

it("answers 200 with the paused workload, and 202 while its worker has it still", async () => {
  const paused = await (await pausing({ status: "PAUSED", pending_action: null })).pause();
  expect([paused.status, await paused.json()]).toMatchObject([200, { status: "PAUSED", pending_action: null }]);
  const waiting = await (await pausing({})).pause();
  expect([waiting.status, await waiting.json()]).toMatchObject([202, { status: "RUNNING", pending_action: "pause" }]);
});

it.each(["COMPLETED", "FAILED", "CANCELLED"] as const)("refuses it when it ended %s meanwhile", async (status) => {
  const { pause } = await pausing({ status, pending_action: null });
  const error = await expectRefused(await pause(), 400, "INVALID_STATE");
  expect(error.details).toEqual({ status, action: "pause" });
});

it("answers the same request again with what the workload is by now", async () => {
  const { pause, become } = await pausing({ status: "PAUSED", pending_action: null });
  await pause();
  vi.restoreAllMocks();
  await become({ status: "PENDING" });
  const again = await pause();
  expect([again.status, await again.json()]).toMatchObject([200, { status: "PENDING" }]);
});
