/** /v1/api-keys: secrets that are shown once, scopes that cannot grow, ends that hold. */
import { beforeEach, describe, expect, it } from "vitest";
import { createdKeySchema, keyViewSchema } from "../../../schema/http/key.ts";
import { apiKeyCacheSeconds, keyRotationOverlapSecondsMax } from "../../../schema/limits.ts";
import { type Api, type Sent, startApi, startedAt, type Tenant } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

const path = "/v1/api-keys";
const body = { name: "reports", scopes: ["workloads:read"] };
const all = ["workloads:read", "keys:read", "keys:write"];

let api: Api;
let tenant: Tenant;
beforeEach(async () => {
  api = await startApi();
  tenant = await api.addCustomer({ scopes: all });
});

const send = (method: string, where: string, sent: Sent = {}) => api.send(method, where, { key: tenant.key, ...sent });

async function create(json: object = body, headers: Record<string, string> = {}, where = path) {
  const reply = await send("POST", where, { json, headers });
  expect(reply.status).toBe(201);
  return createdKeySchema.strict().parse(await reply.json());
}

/** With a key that was just made, so there is one. */
const opens = async (key: string | null) =>
  (await api.send("GET", "/v1/workloads", { key: key ?? "none" })).status === 200;

describe("issuing a key", () => {
  it("shows its secret once, and the secret opens what its scopes say", async () => {
    const reply = await send("POST", path, { json: body });
    const created = createdKeySchema.parse(await reply.json());
    expect(reply.headers.get("location")).toBe(`${path}/${created.key_id}`);
    expect(await opens(created.api_key)).toBe(true);
    const used = await api.send("POST", "/v1/workloads", {
      key: created.api_key ?? "",
      json: { workload_type: "noop" },
    });
    await expectRefused(used, 403, "FORBIDDEN");
    const secret = created.api_key?.slice(-72) ?? "";
    for (const where of [path, `${path}/${created.key_id}`]) {
      const text = await (await send("GET", where)).text();
      expect(text).toContain(created.key_id);
      expect(text).not.toContain(secret);
      expect(text).not.toContain("hash");
    }
    expect(api.logged.join("\n")).not.toContain(secret);
  });

  it("answers the same request sent again with the same key and no secret, also when two come at once", async () => {
    const headers = { "idempotency-key": "k" };
    const [first, second] = await Promise.all([create(body, headers), create(body, headers)]);
    expect(second.key_id).toBe(first.key_id);
    const secrets = [first.api_key, second.api_key].filter((secret) => secret !== null);
    expect(secrets).toHaveLength(1);
    expect(await opens(secrets[0] ?? null)).toBe(true);
    expect((await create(body, headers)).api_key).toBeNull();
    const other = { ...body, name: "other" };
    await expectRefused(await send("POST", path, { json: other, headers }), 409, "CONFLICT");
  });

  it("gives no scope that the caller lacks, and never the operator's", async () => {
    const more = { name: "more", scopes: ["workloads:read", "workloads:write"] };
    const error = await expectRefused(await send("POST", path, { json: more }), 403, "FORBIDDEN");
    expect(error.details).toEqual({ scopes: ["workloads:write"] });
    await expectRefused(await send("POST", path, { json: { name: "x", scopes: ["admin"] } }), 400, "INVALID_INPUT");
  });

  it.each([
    { ...body, name: "" },
    { ...body, scopes: [] },
    { ...body, scopes: ["workloads:read", "workloads:read"] },
    { ...body, expires_at: new Date(startedAt).toISOString() },
    { ...body, expires_at: "tomorrow" },
    { ...body, expires_at: "9999-12-31T23:59:59Z" },
    { ...body, key_id: "key_01jd3v8q4x5r6t7y8a9b0c1d2e" },
    { ...body, api_key: "nyt_mine" },
    { scopes: body.scopes },
  ])("refuses %j", async (json) => {
    await expectRefused(await send("POST", path, { json }), 400, "INVALID_INPUT");
  });

  it("answers a request sent again as it was, also when the end that it names has passed meanwhile", async () => {
    const soon = { ...body, expires_at: new Date(startedAt + 1_000).toISOString() };
    const headers = { "idempotency-key": "k" };
    const first = await create(soon, headers);
    api.advance(1_000);
    expect(await create(soon, headers)).toEqual({ ...first, api_key: null });
    const error = await expectRefused(await send("POST", path, { json: soon }), 400, "INVALID_INPUT");
    expect(error.details).toEqual({ issues: [{ path: "expires_at", message: "in the past" }] });
  });

  it("gives none that outlives the key that asks, while the operator's may", async () => {
    const [end, after] = [60_000, 60_001].map((ms) => new Date(startedAt + ms).toISOString());
    const short = await create({ name: "short", scopes: all, expires_at: end });
    const key = short.api_key ?? "";
    const json = { name: "eternal", scopes: ["workloads:read"] };
    const own = await send("POST", path, { key, json });
    expect(createdKeySchema.parse(await own.json()).expires_at).toBe(end);
    const eternal = await create();
    const rotated = await send("POST", `${path}/${eternal.key_id}/rotate`, { key });
    expect(createdKeySchema.parse(await rotated.json()).expires_at).toBe(end);
    const error = await expectRefused(
      await send("POST", path, { key, json: { ...json, expires_at: after } }),
      403,
      "FORBIDDEN",
    );
    expect(error.details).toEqual({ expires_at: end });
    const operators = `/v1/admin/customers/${tenant.customerId}/api-keys`;
    const given = await api.send("POST", operators, { key: api.adminKey, json });
    expect(createdKeySchema.parse(await given.json()).expires_at).toBeNull();
  });

  it("ends the key at its time", async () => {
    const { api_key, expires_at } = await create({
      ...body,
      expires_at: new Date(startedAt + 1_000).toISOString(),
    });
    expect(expires_at).toBe(new Date(startedAt + 1_000).toISOString());
    expect(await opens(api_key)).toBe(true);
    api.advance(1_000);
    expect(await opens(api_key)).toBe(false);
  });
});

describe("a key", () => {
  it("that is revoked opens nothing once what is remembered has aged; revoking it again changes nothing", async () => {
    const { key_id, api_key } = await create();
    expect(await opens(api_key)).toBe(true);
    for (const _ of [1, 2]) expect((await send("DELETE", `${path}/${key_id}`)).status).toBe(204);
    api.advance(apiKeyCacheSeconds * 1_000);
    expect(await opens(api_key)).toBe(false);
    const view = keyViewSchema.strict().parse(await (await send("GET", `${path}/${key_id}`)).json());
    expect(view.revoked_at).toBe(new Date(startedAt).toISOString());
  });

  it("may be the last one that is revoked", async () => {
    expect((await send("DELETE", `${path}/${tenant.keyId}`)).status).toBe(204);
    api.advance(apiKeyCacheSeconds * 1_000);
    await expectRefused(await send("GET", path), 401, "UNAUTHORIZED");
  });

  it("that is rotated goes on for the overlap beside the new one", async () => {
    const old = await create();
    const next = await create({ overlap_seconds: 60 }, { "idempotency-key": "r" }, `${path}/${old.key_id}/rotate`);
    expect(next).toMatchObject({ name: "reports", scopes: ["workloads:read"], expires_at: null });
    expect(next.key_id).not.toBe(old.key_id);
    expect([await opens(old.api_key), await opens(next.api_key)]).toEqual([true, true]);
    const again = await create({ overlap_seconds: 60 }, { "idempotency-key": "r" }, `${path}/${old.key_id}/rotate`);
    expect(again).toEqual({ ...next, api_key: null });
    api.advance(60_000);
    expect([await opens(old.api_key), await opens(next.api_key)]).toEqual([false, true]);
    await expectRefused(await send("POST", `${path}/${old.key_id}/rotate`), 409, "CONFLICT");
  });

  it("is rotated for a bounded overlap, a day without a word", async () => {
    const { key_id } = await create();
    const rotate = (json: object) => send("POST", `${path}/${key_id}/rotate`, { json });
    await expectRefused(await rotate({ overlap_seconds: keyRotationOverlapSecondsMax + 1 }), 400, "INVALID_INPUT");
    await expectRefused(await rotate({ overlap_seconds: -1 }), 400, "INVALID_INPUT");
    expect((await send("POST", `${path}/${key_id}/rotate`)).status).toBe(201);
    const view = keyViewSchema.parse(await (await send("GET", `${path}/${key_id}`)).json());
    expect(view.expires_at).toBe(new Date(startedAt + 24 * 3_600_000).toISOString());
  });

  it("of another customer, one that does not exist and an id that is none get one and the same 404", async () => {
    const { key_id } = await create();
    const other = await api.addCustomer({ scopes: all });
    const bodies = new Set<string>();
    for (const id of [key_id, api.ids.key(), "none"]) {
      for (const [method, where] of [
        ["GET", id],
        ["DELETE", id],
        ["POST", `${id}/rotate`],
      ] as const) {
        const reply = await api.send(method, `${path}/${where}`, { key: other.key });
        const { request_id: _, ...error } = await expectRefused(reply, 404, "NOT_FOUND");
        bodies.add(JSON.stringify(error));
      }
    }
    expect(bodies.size).toBe(1);
    expect((await send("GET", `${path}/${key_id}`)).status).toBe(200);
  });

  it("is read with keys:read and changed with keys:write only", async () => {
    const reader = await api.addKey(tenant.customerId, { scopes: ["keys:read"] });
    const writer = await api.addKey(tenant.customerId, { scopes: ["keys:write", "workloads:read"] });
    expect((await api.send("GET", path, { key: reader.key })).status).toBe(200);
    await expectRefused(await api.send("GET", path, { key: writer.key }), 403, "FORBIDDEN");
    await expectRefused(await api.send("POST", path, { key: reader.key, json: body }), 403, "FORBIDDEN");
    expect((await api.send("POST", path, { key: writer.key, json: body })).status).toBe(201);
  });
});
