/** POST /v1/workloads/batch: all or none. */
import { describe, expect, it } from "vitest";
import { workloadIdSchema } from "../../../schema/ids.ts";
import { inputBytesMax } from "../../../schema/limits.ts";
import { startApi } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

const path = "/v1/workloads";
const noop = { workload_type: "noop" };

async function setUp() {
  const api = await startApi();
  const tenant = await api.addCustomer();
  return { api, tenant };
}

describe("submitting a batch", () => {
  it("answers the ids in the order of the submissions", async () => {
    const { api, tenant } = await setUp();
    const workloads = Array.from({ length: 1_000 }, (_, index) => ({ ...noop, input_params: { index } }));
    const reply = await api.send("POST", `${path}/batch`, { key: tenant.key, json: { workloads } });
    expect(reply.status).toBe(202);
    const body = (await reply.json()) as { workloads: { workload_id: string }[] };
    expect(body.workloads).toHaveLength(1_000);
    const last = workloadIdSchema.parse(body.workloads[999]?.workload_id);
    expect(await api.memory.workload(tenant.customerId, last)).toMatchObject({ input_params: { index: 999 } });
  });

  it("refuses the whole when one is wrong, and says which", async () => {
    const { api, tenant } = await setUp();
    for (const wrong of [
      { ...noop, priority: -1 },
      { ...noop, pool: "attic" },
      { ...noop, colour: "red" },
    ]) {
      const json = { workloads: [noop, wrong, noop] };
      const reply = await api.send("POST", `${path}/batch`, { key: tenant.key, json });
      const error = await expectRefused(reply, 400, "INVALID_INPUT");
      expect(error.details).toMatchObject({ issues: [{ path: expect.stringMatching(/^workloads\.1/) }] });
    }
    expect(api.memory.count(tenant.customerId)).toBe(0);
  });

  it("refuses none, and more than a thousand", async () => {
    const { api, tenant } = await setUp();
    for (const length of [0, 1_001]) {
      const json = { workloads: Array.from({ length }, () => noop) };
      const reply = await api.send("POST", `${path}/batch`, { key: tenant.key, json });
      await expectRefused(reply, 400, "INVALID_INPUT");
    }
  });

  it("refuses with 413 when one input is too large, also among small ones", async () => {
    const { api, tenant } = await setUp();
    const json = { workloads: [noop, { ...noop, input_params: "x".repeat(inputBytesMax) }] };
    const reply = await api.send("POST", `${path}/batch`, { key: tenant.key, json });
    await expectRefused(reply, 413, "PAYLOAD_TOO_LARGE");
  });
});
