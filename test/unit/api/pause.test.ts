/** What a pause answers, by what has become of the workload when its worker has let go of it, or has not yet. */
import { expect, it, vi } from "vitest";
import type { WorkloadView } from "../../../schema/http/workload.ts";
import { workloadIdSchema } from "../../../schema/ids.ts";
import { startApi } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

const runningAt = 3;

/** One that runs, and what it has become by the end of the wait for it. */
async function pausing(meanwhile: Partial<WorkloadView>) {
  const api = await startApi();
  const tenant = await api.addCustomer();
  const id = workloadIdSchema.parse(await api.submit(tenant));
  const become = async (change: Partial<WorkloadView>) => {
    Object.assign((await api.memory.workload(tenant.customerId, id)) ?? {}, change);
  };
  await become({ status: "RUNNING", generation: runningAt });
  const settled = api.memory.settled.bind(api.memory);
  vi.spyOn(api.memory, "settled").mockImplementation(async (...asked) => {
    await become(meanwhile);
    return settled(...asked);
  });
  const happens = (event_type: string, generation: number) => {
    const trail = api.memory.trailOf(tenant.customerId, id);
    trail.push(...trail.slice(0, 1).map((event) => ({ ...event, event_type, generation })));
  };
  const pause = () =>
    api.send("POST", `/v1/workloads/${id}/pause`, { key: tenant.key, headers: { "idempotency-key": "k" } });
  return { pause, become, happens };
}

it("answers 200 with the paused workload, and 202 while its worker has it still", async () => {
  const paused = await (await pausing({ status: "PAUSED", pending_action: null })).pause();
  expect([paused.status, await paused.json()]).toMatchObject([200, { status: "PAUSED", pending_action: null }]);
  const waiting = await (await pausing({})).pause();
  expect([waiting.status, await waiting.json()]).toMatchObject([202, { status: "RUNNING", pending_action: "pause" }]);
});

it.each(["COMPLETED", "FAILED", "CANCELLED"] as const)("refuses it when it ended %s meanwhile", async (status) => {
  const { pause, happens } = await pausing({ status, pending_action: null });
  happens("workload.paused", runningAt - 1);
  for (const reply of [await pause(), await pause()]) {
    const error = await expectRefused(reply, 400, "INVALID_STATE");
    expect(error.details).toEqual({ status, action: "pause" });
  }
});

it("answers the same request again with what the workload is by now", async () => {
  const { pause, become } = await pausing({ status: "PAUSED", pending_action: null });
  await pause();
  vi.restoreAllMocks();
  await become({ status: "PENDING" });
  const again = await pause();
  expect([again.status, await again.json()]).toMatchObject([200, { status: "PENDING" }]);
});

it.each(["COMPLETED", "FAILED", "CANCELLED"] as const)(
  "answers it again after it was paused and has ended %s: 200, as when it was paused",
  async (status) => {
    const { pause, become, happens } = await pausing({ status: "PAUSED", pending_action: null });
    expect((await pause()).status).toBe(200);
    vi.restoreAllMocks();
    happens("workload.paused", runningAt + 1);
    await become({ status, generation: runningAt + 2 });
    const again = await pause();
    expect([again.status, await again.json()]).toMatchObject([200, { status }]);
  },
);

it("answers it again with 200 also while another pause is under way", async () => {
  const { pause, become } = await pausing({ status: "PAUSED", pending_action: null });
  await pause();
  vi.restoreAllMocks();
  const pausedAnew = { status: "RUNNING", pending_action: "pause", generation: runningAt + 2 } as const;
  await become(pausedAnew);
  const again = await pause();
  expect([again.status, await again.json()]).toMatchObject([200, pausedAnew]);
});
