/** The header Idempotency-Key: what is one request, and what is a conflict. */
import { describe, expect, it } from "vitest";
import { submittedSchema } from "../../../schema/http/submit.ts";
import { startPosting } from "../../support/api-fixture.ts";
import { bodyOf, expectRefused } from "../../support/refused.ts";

const path = "/v1/workloads";
const noop = { workload_type: "noop" };

const setUp = () => startPosting(path);

describe("an idempotency key", () => {
  it("names one workload, however the same request is written", async () => {
    const { api, tenant } = await setUp();
    const headers = { "idempotency-key": "order 66", "content-type": "application/json" };
    const texts = ['{"workload_type":"noop","priority":3}', '{ "priority": 3,\n "workload_type": "noop" }'];
    const ids: string[] = [];
    for (const body of texts) {
      const reply = await api.send("POST", path, { key: tenant.key, headers, body });
      expect(reply.status).toBe(202);
      ids.push((await bodyOf(reply, submittedSchema)).workload_id);
    }
    expect(new Set(ids).size).toBe(1);
    expect(api.memory.count(tenant.customerId)).toBe(1);
  });

  it("refuses another body, and the same body at another path, with 409", async () => {
    const { api, tenant, post } = await setUp();
    const headers = { "idempotency-key": "k" };
    await post(noop, headers);
    await expectRefused(await post({ ...noop, priority: 1 }, headers), 409, "CONFLICT");
    const other = await api.send("POST", `${path}/batch`, { key: tenant.key, json: { workloads: [noop] }, headers });
    await expectRefused(other, 409, "CONFLICT");
    expect(api.memory.count(tenant.customerId)).toBe(1);
  });

  it("belongs to one customer", async () => {
    const { api, tenant, post } = await setUp();
    const other = await api.addCustomer();
    const headers = { "idempotency-key": "k" };
    const first = await bodyOf(await post(noop, headers), submittedSchema);
    const second = await bodyOf(await api.send("POST", path, { key: other.key, json: noop, headers }), submittedSchema);
    expect(second.workload_id).not.toBe(first.workload_id);
    expect(api.memory.count(tenant.customerId)).toBe(1);
  });

  it("is 1 to 255 printable ASCII characters", async () => {
    const { post } = await setUp();
    expect((await post(noop, { "idempotency-key": "k".repeat(255) })).status).toBe(202);
    for (const key of ["", "k".repeat(256), "caf\u00e9", "a\tb"]) {
      await expectRefused(await post(noop, { "idempotency-key": key }), 400, "INVALID_INPUT");
    }
  });
});
