/** /v1/workload-configs: every status that is promised. */
import { beforeEach, describe, expect, it } from "vitest";
import { configViewSchema } from "../../../schema/http/config.ts";
import { configBytesMax, retryMsMax } from "../../../schema/limits.ts";
import { type Api, type Sent, startApi, type Tenant } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

const path = "/v1/workload-configs";
const type = { workload_type: "image.resize" };

let api: Api;
let tenant: Tenant;
beforeEach(async () => {
  api = await startApi();
  tenant = await api.addCustomer({ scopes: ["workloads:read", "configs:write"] });
});

const send = (method: string, where: string, sent: Sent = {}) => api.send(method, where, { key: tenant.key, ...sent });

async function create(json: object = type, headers: Record<string, string> = {}) {
  const reply = await send("POST", path, { json, headers });
  expect(reply.status).toBe(201);
  return configViewSchema.strict().parse(await reply.json());
}

describe("registering a workload type", () => {
  it("answers it with every default, and where it is", async () => {
    const reply = await send("POST", path, { json: type });
    expect(reply.status).toBe(201);
    const view = configViewSchema.parse(await reply.json());
    expect(reply.headers.get("location")).toBe(`${path}/${view.config_id}`);
    expect(view).toMatchObject({
      workload_type: "image.resize",
      description: "",
      config_json: {},
      resource_limits: {},
      checkpoint_interval_sec: 300,
      checkpoint_progress_percent: 10,
      max_retries: 3,
      retry_backoff: { base_ms: 1_000, cap_ms: 300_000 },
      timeout_seconds: null,
    });
    expect(await (await send("GET", `${path}/${view.config_id}`)).json()).toEqual(view);
  });

  it.each([
    { workload_type: "No Such Name" },
    { ...type, config_id: "wlcfg_01jd3v8q4x5r6t7y8a9b0c1d2e" },
    { ...type, created_at: "2026-01-01T00:00:00Z" },
    { ...type, max_retries: -1 },
    { ...type, max_retries: 101 },
    { ...type, retry_backoff: { base_ms: 2, cap_ms: 1 } },
    { ...type, retry_backoff: { base_ms: 1, cap_ms: retryMsMax + 1 } },
    { ...type, retry_backoff: { base_ms: 1 } },
    { ...type, timeout_seconds: 0 },
    { ...type, checkpoint_progress_percent: 101 },
    { ...type, resource_limits: { cpu_cores: -1 } },
    { ...type, resource_limits: { gpus: 1 } },
    {},
  ])("refuses %j", async (json) => {
    await expectRefused(await send("POST", path, { json }), 400, "INVALID_INPUT");
    const { workload_configs } = (await (await send("GET", path)).json()) as { workload_configs: unknown[] };
    expect(workload_configs).toEqual([]);
  });

  it("takes a configuration of exactly the largest size, and not one byte more", async () => {
    const config = (bytes: number) => ({ ...type, config_json: "x".repeat(bytes - 2) });
    await expectRefused(await send("POST", path, { json: config(configBytesMax + 1) }), 413, "PAYLOAD_TOO_LARGE");
    await create(config(configBytesMax));
  });

  it("refuses a name that is taken", async () => {
    await create();
    const error = await expectRefused(await send("POST", path, { json: type }), 409, "CONFLICT");
    expect(error.details).toEqual({ workload_type: "image.resize" });
  });

  it("is done once under one key, also when it comes twice at once", async () => {
    const headers = { "idempotency-key": "k" };
    const [first, second] = await Promise.all([create(type, headers), create(type, headers)]);
    expect(second).toEqual(first);
    const other = { workload_type: "other" };
    await expectRefused(await send("POST", path, { json: other, headers }), 409, "CONFLICT");
  });
});

describe("a workload type", () => {
  it("is replaced, all but its name", async () => {
    const { config_id, created_at } = await create({ ...type, max_retries: 9, description: "old" });
    api.advance(1_000);
    const reply = await send("PUT", `${path}/${config_id}`, { json: { ...type, timeout_seconds: 7 } });
    expect(reply.status).toBe(200);
    expect(await reply.json()).toMatchObject({ created_at, max_retries: 3, description: "", timeout_seconds: 7 });
    const renamed = await send("PUT", `${path}/${config_id}`, { json: { workload_type: "other" } });
    await expectRefused(renamed, 400, "INVALID_INPUT");
  });

  it("is deleted once", async () => {
    const { config_id } = await create();
    const reply = await send("DELETE", `${path}/${config_id}`);
    expect([reply.status, await reply.text()]).toEqual([204, ""]);
    await expectRefused(await send("DELETE", `${path}/${config_id}`), 404, "NOT_FOUND");
    await expectRefused(await send("GET", `${path}/${config_id}`), 404, "NOT_FOUND");
  });

  it("of another customer, one that does not exist and an id that is none get one and the same 404", async () => {
    const { config_id } = await create();
    const other = await api.addCustomer({ scopes: ["workloads:read", "configs:write"] });
    const bodies = new Set<string>();
    for (const id of [config_id, api.ids.config(), "none", api.ids.workload()]) {
      for (const [method, sent] of [
        ["GET", {}],
        ["PUT", { json: type }],
        ["DELETE", {}],
      ] as const) {
        const reply = await api.send(method, `${path}/${id}`, { key: other.key, ...sent });
        const { request_id: _, ...error } = await expectRefused(reply, 404, "NOT_FOUND");
        bodies.add(JSON.stringify(error));
      }
    }
    expect(bodies.size).toBe(1);
  });

  it("is listed page by page, newest first", async () => {
    for (const name of ["a", "b", "c"]) await create({ workload_type: name });
    const page = async (query: string) => {
      const reply = (await (await send("GET", `${path}?${query}`)).json()) as {
        workload_configs: { workload_type: string }[];
        pagination: { limit: number; has_more: boolean; next_cursor: string | null };
      };
      return { names: reply.workload_configs.map(({ workload_type }) => workload_type), ...reply.pagination };
    };
    const first = await page("limit=2");
    expect(first).toMatchObject({ names: ["c", "b"], limit: 2, has_more: true });
    expect(await page(`limit=2&cursor=${first.next_cursor}`)).toMatchObject({ names: ["a"], next_cursor: null });
    await expectRefused(await send("GET", `${path}?cursor=none`), 400, "INVALID_INPUT");
    await expectRefused(await send("GET", `${path}?offset=1`), 400, "INVALID_INPUT");
  });

  it("is read with workloads:read, and changed with configs:write only", async () => {
    const { config_id } = await create();
    const reader = await api.addKey(tenant.customerId, { scopes: ["workloads:read"] });
    const writer = await api.addKey(tenant.customerId, { scopes: ["configs:write"] });
    expect((await api.send("GET", path, { key: reader.key })).status).toBe(200);
    await expectRefused(await api.send("GET", path, { key: writer.key }), 403, "FORBIDDEN");
    await expectRefused(await api.send("POST", path, { key: reader.key, json: type }), 403, "FORBIDDEN");
    await expectRefused(await api.send("DELETE", `${path}/${config_id}`, { key: reader.key }), 403, "FORBIDDEN");
  });

  it("cannot be changed while the coordinator is away", async () => {
    api.memory.faults.leader = "down";
    await expectRefused(await send("POST", path, { json: type }), 503, "SERVICE_UNAVAILABLE");
  });
});
