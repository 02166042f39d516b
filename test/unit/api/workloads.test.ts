/** Reading and cancelling a workload, and what another customer sees of it: nothing. */
import { describe, expect, it } from "vitest";
import { workloadViewSchema } from "../../../schema/http/workload.ts";
import { workloadIdSchema } from "../../../schema/ids.ts";
import { type Api, startApi, type Tenant } from "../../support/api-fixture.ts";
import { bodyOf, expectRefused } from "../../support/refused.ts";

const unknownId = "wl_01arz3ndektsv4rrffq69g5fav";

async function setUp() {
  const api = await startApi();
  const tenant = await api.addCustomer();
  const get = (path: string) => api.send("GET", path, { key: tenant.key });
  return { api, tenant, get };
}

const resources: readonly (readonly [string, string])[] = [
  ["GET", ""],
  ["GET", "/audit"],
  ["GET", "/logs"],
  ["POST", "/cancel"],
];

/** All that tells a caller anything; the bucket depends on how far a request came, not on what it found. */
async function visible(api: Api, tenant: Tenant, method: string, path: string) {
  const reply = await api.send(method, path, { key: tenant.key, headers: { "x-request-id": "same" } });
  const headers = [...reply.headers].filter(([name]) => !name.startsWith("x-ratelimit-"));
  return { status: reply.status, body: await reply.text(), headers };
}

describe.each(resources)("%s /v1/workloads/{id}%s", (method, suffix) => {
  it("answers for another customer's workload exactly as for none, and for an id that is none", async () => {
    const { api, tenant } = await setUp();
    const stranger = await api.addCustomer();
    const id = await api.submit(tenant);
    const unknown = await visible(api, stranger, method, `/v1/workloads/${unknownId}${suffix}`);
    expect(unknown).toMatchObject({ status: 404, body: expect.stringContaining('"NOT_FOUND"') });
    const ids = [id, "wl_x", "1", "..%2f..%2fetc", "%00", "%ff", "%F0%9F%92%A9", `${unknownId}'--`, "x".repeat(5_000)];
    for (const other of ids) {
      expect(await visible(api, stranger, method, `/v1/workloads/${other}${suffix}`)).toEqual(unknown);
    }
    expect(await api.memory.workload(tenant.customerId, workloadIdSchema.parse(id))).toMatchObject({
      status: "PENDING",
    });
  });
});

describe("reading a workload", () => {
  it("answers all fields of the contract", async () => {
    const { api, tenant, get } = await setUp();
    const id = await api.submit(tenant, { input_params: [1, null, "x"] });
    const reply = await get(`/v1/workloads/${id}`);
    expect(reply.status).toBe(200);
    const view = await bodyOf(reply, workloadViewSchema.strict());
    expect(view).toMatchObject({ workload_id: id, customer_id: tenant.customerId, input_params: [1, null, "x"] });
  });

  it("answers 503 without internals while the database is down, and 500 without internals when it is broken", async () => {
    const { api, tenant, get } = await setUp();
    const id = await api.submit(tenant);
    api.memory.faults.database = "down";
    const down = await get(`/v1/workloads/${id}`);
    expect(down.headers.get("retry-after")).toBe("1");
    expect((await expectRefused(down, 503, "SERVICE_UNAVAILABLE")).details).toEqual({ dependency: "database" });
    api.memory.faults.database = "broken";
    const error = await expectRefused(await get(`/v1/workloads/${id}`), 500, "INTERNAL_ERROR");
    expect(JSON.stringify(error)).not.toContain("secret_column");
    const line = api.logged.find((text) => text.includes(error.request_id));
    expect(JSON.parse(line ?? "")).toMatchObject({
      level: "error",
      err: { message: expect.stringContaining("secret_column") },
    });
  });
});

describe("cancelling a workload", () => {
  it.each([
    ["no body", {}],
    ["an empty body of any type", { body: "", headers: { "content-type": "text/plain" } }],
    ["an empty object", { json: {} }],
    ["a reason", { json: { reason: "not needed" } }],
  ])("takes %s, and answers the workload as it is then", async (_what, sent) => {
    const { api, tenant } = await setUp();
    const id = await api.submit(tenant);
    const reply = await api.send("POST", `/v1/workloads/${id}/cancel`, { key: tenant.key, ...sent });
    expect(reply.status).toBe(200);
    expect(await bodyOf(reply, workloadViewSchema)).toMatchObject({ workload_id: id, status: "CANCELLED" });
  });

  it("refuses one that has ended with INVALID_STATE", async () => {
    const { api, tenant } = await setUp();
    const id = workloadIdSchema.parse(await api.submit(tenant));
    api.memory.finish(tenant.customerId, id);
    const reply = await api.send("POST", `/v1/workloads/${id}/cancel`, { key: tenant.key });
    const error = await expectRefused(reply, 400, "INVALID_STATE");
    expect(error.details).toEqual({ status: "COMPLETED", action: "cancel" });
  });

  it.each([
    ["an unknown field", { json: { because: "x" } }, 400, "INVALID_INPUT"],
    ["a reason that is too long", { json: { reason: "x".repeat(1_001) } }, 400, "INVALID_INPUT"],
    ["a list", { json: [] }, 400, "INVALID_INPUT"],
    ["a body without a type", { body: new Uint8Array([0x7b, 0x7d]) }, 415, "UNSUPPORTED_MEDIA_TYPE"],
  ] as const)("refuses %s", async (_what, sent, status, code) => {
    const { api, tenant } = await setUp();
    const id = await api.submit(tenant);
    const reply = await api.send("POST", `/v1/workloads/${id}/cancel`, { key: tenant.key, ...sent });
    await expectRefused(reply, status, code);
  });
});
