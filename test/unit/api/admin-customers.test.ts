/** /v1/admin/customers: the operator's word on customers, and nobody else's. */
import { beforeEach, describe, expect, it } from "vitest";
import { type CustomerView, customerViewSchema, customerWithUsageSchema } from "../../../schema/http/customer.ts";
import { createdKeySchema } from "../../../schema/http/key.ts";
import { apiKeyCacheSeconds, overrideCountMax } from "../../../schema/limits.ts";
import { customerScopes } from "../../../schema/scopes.ts";
import { type Api, type Sent, startApi } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

const path = "/v1/admin/customers";
const body = { name: "Example Ltd", tier: "standard", overrides: { running_max: 7, submits_per_second: null } };
const keyBody = { name: "first", scopes: [...customerScopes] };

let api: Api;
beforeEach(async () => {
  api = await startApi();
});

const send = (method: string, where: string, sent: Sent = {}) =>
  api.send(method, where, { key: api.adminKey, ...sent });

async function create(json: object = body, headers: Record<string, string> = {}): Promise<CustomerView> {
  const reply = await send("POST", path, { json, headers });
  expect(reply.status).toBe(201);
  return customerViewSchema.strict().parse(await reply.json());
}

async function firstKey({ customer_id }: CustomerView, headers: Record<string, string> = {}) {
  const reply = await send("POST", `${path}/${customer_id}/api-keys`, { json: keyBody, headers });
  expect(reply.status).toBe(201);
  return createdKeySchema.strict().parse(await reply.json());
}

describe("a customer", () => {
  it("is made with its terms, and reads them with its first key", async () => {
    const customer = await create();
    expect(customer).toMatchObject({ ...body, suspended: false, limits: { running_max: 7, submit_burst: 50 } });
    const { api_key } = await firstKey(customer);
    const own = await api.send("GET", "/v1/customer", { key: api_key ?? "" });
    expect(customerWithUsageSchema.parse(await own.json())).toMatchObject(customer);
    expect(await (await send("GET", `${path}/${customer.customer_id}`)).json()).toMatchObject({
      ...customer,
      usage: { running: 0, queued: 0, submit_tokens: null },
    });
  });

  it("is made once under one key, also when it comes twice at once", async () => {
    const headers = { "idempotency-key": "k" };
    const [first, second] = await Promise.all([create(body, headers), create(body, headers)]);
    expect(second).toEqual(first);
    const { customers } = (await (await send("GET", path)).json()) as { customers: CustomerView[] };
    expect(customers.map(({ customer_id }) => customer_id)).toEqual([first.customer_id]);
    const other = { name: "other" };
    await expectRefused(await send("POST", path, { json: other, headers }), 409, "CONFLICT");
  });

  it("gets its first key once under one key, and its secret once", async () => {
    const customer = await create();
    const headers = { "idempotency-key": "k" };
    const [first, second] = [await firstKey(customer, headers), await firstKey(customer, headers)];
    expect(second).toEqual({ ...first, api_key: null });
  });

  it.each([
    {},
    { name: "" },
    { ...body, tier: "gold" },
    { ...body, suspended: true },
    { ...body, customer_id: "cust_01jd3v8q4x5r6t7y8a9b0c1d2e" },
    { ...body, overrides: { running_max: 0 } },
    { ...body, overrides: { running_max: null } },
    { ...body, overrides: { running_max: 1.5 } },
    { ...body, overrides: { queue_depth_max: overrideCountMax + 1 } },
    { ...body, overrides: { runningMax: 1 } },
  ])("is not made from %j", async (json) => {
    await expectRefused(await send("POST", path, { json }), 400, "INVALID_INPUT");
    expect(await (await send("GET", path)).json()).toMatchObject({ customers: [] });
  });

  it("keeps what a change does not name", async () => {
    const { customer_id } = await create();
    const change = async (json: object) => {
      const reply = await send("PUT", `${path}/${customer_id}`, { json });
      expect(reply.status).toBe(200);
      return customerViewSchema.strict().parse(await reply.json());
    };
    expect(await change({ tier: "free" })).toMatchObject({ ...body, tier: "free", limits: { queue_depth_max: 50 } });
    expect(await change({ overrides: {} })).toMatchObject({ tier: "free", overrides: {}, limits: { running_max: 10 } });
    expect(await change({ name: "New" })).toMatchObject({ name: "New", suspended: false });
    await expectRefused(await send("PUT", `${path}/${customer_id}`, { json: {} }), 400, "INVALID_INPUT");
  });

  it("that is suspended is refused everywhere within the time that keys are remembered, until it may go on", async () => {
    const customer = await create();
    const { api_key: key } = await firstKey(customer);
    const ask = () => api.send("GET", "/v1/workloads", { key: key ?? "" });
    expect((await ask()).status).toBe(200);
    await send("PUT", `${path}/${customer.customer_id}`, { json: { suspended: true } });
    api.advance(apiKeyCacheSeconds * 1_000);
    await expectRefused(await ask(), 403, "FORBIDDEN");
    expect((await firstKey(customer)).api_key).not.toBeNull();
    await send("PUT", `${path}/${customer.customer_id}`, { json: { suspended: false } });
    api.advance(apiKeyCacheSeconds * 1_000);
    expect((await ask()).status).toBe(200);
  });

  it("has keys that the operator lists and revokes", async () => {
    const customer = await create();
    const { key_id, api_key } = await firstKey(customer);
    const keys = `${path}/${customer.customer_id}/api-keys`;
    expect(await (await send("GET", keys)).json()).toMatchObject({ api_keys: [{ key_id, revoked_at: null }] });
    expect((await send("DELETE", `${keys}/${key_id}`)).status).toBe(204);
    api.advance(apiKeyCacheSeconds * 1_000);
    await expectRefused(await api.send("GET", "/v1/workloads", { key: api_key ?? "" }), 401, "UNAUTHORIZED");
    await expectRefused(await send("DELETE", `${keys}/${api.ids.key()}`), 404, "NOT_FOUND");
  });

  it("that is none, or whose id is none, gets one and the same 404", async () => {
    const bodies = new Set<string>();
    for (const id of [api.ids.customer(), "none"]) {
      const asked: [string, string, object?][] = [
        ["GET", ""],
        ["PUT", "", { name: "x" }],
        ["GET", "/api-keys"],
        ["POST", "/api-keys", keyBody],
        ["DELETE", `/api-keys/${api.ids.key()}`],
      ];
      for (const [method, rest, json] of asked) {
        const reply = await send(method, `${path}/${id}${rest}`, json === undefined ? {} : { json });
        const { request_id: _, ...error } = await expectRefused(reply, 404, "NOT_FOUND");
        bodies.add(JSON.stringify(error));
      }
    }
    expect(bodies.size).toBe(1);
  });

  it("is listed by tier and suspension, page by page", async () => {
    const made = [await create({ name: "a", tier: "free" }), await create(), await create({ name: "c", tier: "free" })];
    await send("PUT", `${path}/${made[0]?.customer_id}`, { json: { suspended: true } });
    const names = async (query: string) => {
      const reply = (await (await send("GET", `${path}?${query}`)).json()) as {
        customers: CustomerView[];
        pagination: { next_cursor: string | null };
      };
      return [reply.customers.map(({ name }) => name).join(), reply.pagination.next_cursor] as const;
    };
    expect(await names("tier=free")).toEqual(["c,a", null]);
    expect(await names("suspended=true")).toEqual(["a", null]);
    expect(await names("suspended=false&tier=standard")).toEqual(["Example Ltd", null]);
    const [first, cursor] = await names("limit=2");
    expect(first).toBe("c,Example Ltd");
    expect(await names(`limit=2&cursor=${cursor}`)).toEqual(["a", null]);
    await expectRefused(await send("GET", `${path}?cursor=x`), 400, "INVALID_INPUT");
  });

  it("cannot do any of this itself", async () => {
    const { key, customerId } = await api.addCustomer({ scopes: [...customerScopes, "admin"] });
    for (const [method, rest] of [
      ["GET", ""],
      ["GET", `/${customerId}`],
      ["GET", `/${customerId}/api-keys`],
    ] as const) {
      await expectRefused(await api.send(method, `${path}${rest}`, { key }), 403, "FORBIDDEN");
    }
    await expectRefused(await api.send("POST", path, { key, json: body }), 403, "FORBIDDEN");
    await expectRefused(
      await api.send("PUT", `${path}/${customerId}`, { key, json: { tier: "enterprise" } }),
      403,
      "FORBIDDEN",
    );
  });
});
