/** Reading, listing and cancelling workloads, and their records. */
import { describe, expect, it } from "vitest";
import {
  auditTrailSchema,
  logPageSchema,
  workloadListSchema,
  workloadViewSchema,
} from "../../../schema/http/workload.ts";
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

describe("listing workloads", () => {
  it("pages by cursor over all of them, each once", async () => {
    const { api, tenant, get } = await setUp();
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.push(await api.submit(tenant));
    const seen: string[] = [];
    let path = "/v1/workloads?limit=2";
    for (;;) {
      const page = await bodyOf(await get(path), workloadListSchema);
      seen.push(...page.workloads.map(({ workload_id }) => workload_id));
      expect(page.pagination).toMatchObject({ limit: 2, offset: null, has_more: seen.length < 5 });
      if (page.pagination.next_cursor === null) break;
      path = `/v1/workloads?limit=2&cursor=${page.pagination.next_cursor}`;
    }
    expect(seen).toEqual(ids.reverse());
  });

  it("pages by offset, and counts only when it is asked to", async () => {
    const { api, tenant, get } = await setUp();
    for (let index = 0; index < 3; index++) await api.submit(tenant);
    const counted = await bodyOf(await get("/v1/workloads?offset=2&count=true"), workloadListSchema);
    expect(counted.workloads).toHaveLength(1);
    expect(counted.pagination).toEqual({ limit: 50, has_more: false, next_cursor: null, offset: 2, total: 3 });
    const plain = await bodyOf(await get("/v1/workloads"), workloadListSchema);
    expect(plain.pagination).not.toHaveProperty("total");
  });

  it("filters by status, type, and every one of several labels", async () => {
    const { api, tenant, get } = await setUp();
    const id = await api.submit(tenant, { labels: { run: "1", part: "a:b" } });
    await api.submit(tenant, { labels: { run: "1" } });
    const path = "/v1/workloads?status=PENDING&workload_type=noop&label=run:1&label=part:a:b";
    const { workloads } = await bodyOf(await get(path), workloadListSchema);
    expect(workloads.map(({ workload_id }) => workload_id)).toEqual([id]);
  });

  it("never shows another customer's", async () => {
    const { api, tenant, get } = await setUp();
    await api.submit(await api.addCustomer());
    const id = await api.submit(tenant);
    const { workloads } = await bodyOf(await get("/v1/workloads"), workloadListSchema);
    expect(workloads.map(({ workload_id }) => workload_id)).toEqual([id]);
  });

  it.each([
    "colour=red",
    "status=pending",
    "status=",
    "status=PENDING&status=RUNNING",
    "limit=0",
    "limit=101",
    "limit=-1",
    "limit=1e1",
    "limit=",
    "offset=100001",
    "offset=x",
    "cursor=forged",
    "cursor=at0&offset=1",
    "order_by=input_params",
    "count=yes",
    "created_after=yesterday",
    "created_after=0000-01-01T00:00:00Z",
    "created_before=9999-12-31T23:59:59-14:00",
    "created_before=2026-01-01T00:00:00Z&created_before=2026-01-01T00:00:00Z",
    "workload_type=%00",
    "label=a%00:b",
    "label=",
    "label=a:1&label=a:1&label=a:1&label=a:1&label=a:1&label=a:1&label=a:1&label=a:1&label=a:1",
    "__proto__=1",
    "__proto__[limit]=1",
    "constructor=1",
  ])("refuses ?%s with 400", async (query) => {
    const { get } = await setUp();
    await expectRefused(await get(`/v1/workloads?${query}`), 400, "INVALID_INPUT");
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

describe("the records of a workload", () => {
  it("are its audit events in order", async () => {
    const { api, tenant, get } = await setUp();
    const id = await api.submit(tenant);
    const trail = await bodyOf(await get(`/v1/workloads/${id}/audit`), auditTrailSchema.strict());
    expect(trail).toMatchObject({ workload_id: id, events: [{ event_type: "workload.created", generation: 0 }] });
  });

  it("are its log lines, by level and page", async () => {
    const { api, tenant, get } = await setUp();
    const id = workloadIdSchema.parse(await api.submit(tenant));
    const line = (level: string, message: string) => ({
      timestamp: "2026-01-01T00:00:00.000Z",
      level,
      message,
      generation: 1,
      details: null,
    });
    api.memory.addLogs(tenant.customerId, id, [line("info", "a"), line("warn", "b"), line("info", "c")]);
    const first = await bodyOf(await get(`/v1/workloads/${id}/logs?level=info&limit=1`), logPageSchema.strict());
    expect(first).toMatchObject({ logs: [{ message: "a" }], has_more: true });
    const next = await get(`/v1/workloads/${id}/logs?level=info&limit=1&cursor=${first.next_cursor}`);
    expect(await bodyOf(next, logPageSchema)).toMatchObject({ logs: [{ message: "c" }], has_more: false });
  });

  it.each([
    "level=loud",
    "limit=0",
    "limit=1001",
    "since=x",
    "until=0000-01-01T00:00:00Z",
    "cursor=forged",
    "tail=1",
    "level=info&level=warn",
  ])("refuses ?%s with 400", async (query) => {
    const { api, tenant, get } = await setUp();
    const id = await api.submit(tenant);
    await expectRefused(await get(`/v1/workloads/${id}/logs?${query}`), 400, "INVALID_INPUT");
  });
});
