/** Who may ask: keys, scopes, suspension, and what is remembered of them. */
import { describe, expect, it, vi } from "vitest";
import { type KeyRecord, StoreUnavailable } from "../../../functions/store/store.ts";
import { newKey } from "../../../schema/api-key.ts";
import { apiKeyCacheSeconds, keyLastUsedSeconds } from "../../../schema/limits.ts";
import { type Api, startApi, startedAt } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

const list = (api: Api, authorization?: string) =>
  api.send("GET", "/v1/workloads", authorization === undefined ? {} : { headers: { authorization } });

describe("a key", () => {
  it("opens every route of its customer, with the scheme in any case", async () => {
    const api = await startApi();
    const { key } = await api.addCustomer();
    expect((await list(api, `bearer ${key}`)).status).toBe(200);
  });

  it("that is missing, garbage, unknown, expired or revoked gets one and the same 401", async () => {
    const api = await startApi();
    const { customerId, key } = await api.addCustomer();
    const expired = await api.addKey(customerId, { expiresAt: startedAt });
    const revoked = await api.addKey(customerId);
    api.memory.forgetKey(revoked.keyHash);
    const wrong = [
      undefined,
      "",
      key,
      "Bearer",
      "Bearer garbage",
      `Bearer ${key.slice(0, -1)}`,
      `Bearer ${key} ${key}`,
      `Basic ${btoa(key)}`,
      `Bearer ${await newKey(customerId)}`,
      `Bearer ${await newKey(api.ids.customer())}`,
      `Bearer ${await newKey("admin")}`,
      `Bearer ${expired.key}`,
      `Bearer ${revoked.key}`,
    ];
    const bodies = new Set<string>();
    for (const authorization of wrong) {
      const reply = await list(api, authorization);
      expect(reply.headers.get("www-authenticate")).toBe('Bearer realm="niyanta"');
      const { request_id: _, ...error } = await expectRefused(reply, 401, "UNAUTHORIZED");
      bodies.add(JSON.stringify(error));
    }
    expect(bodies.size).toBe(1);
  });

  it("is not taken from the query", async () => {
    const api = await startApi();
    const { key } = await api.addCustomer();
    await expectRefused(await api.send("GET", `/v1/workloads?token=${key}`), 401, "UNAUTHORIZED");
  });

  it("that is revoked opens nothing any more once what is remembered has aged", async () => {
    const api = await startApi();
    const { key, keyHash } = await api.addCustomer();
    expect((await list(api, `Bearer ${key}`)).status).toBe(200);
    api.memory.forgetKey(keyHash);
    api.advance(apiKeyCacheSeconds * 1_000);
    expect((await list(api, `Bearer ${key}`)).status).toBe(401);
  });

  it("that is in use is checked again beside the requests: none of them waits for the look-up", async () => {
    const api = await startApi();
    const { key, keyHash } = await api.addCustomer();
    expect((await list(api, `Bearer ${key}`)).status).toBe(200);
    const lookUp = vi.spyOn(api.memory, "key");
    api.advance((apiKeyCacheSeconds / 2) * 1_000);
    for (let request = 0; request < 3; request += 1) expect((await list(api, `Bearer ${key}`)).status).toBe(200);
    await api.settled();
    expect(lookUp).toHaveBeenCalledTimes(1);
    api.advance((apiKeyCacheSeconds / 2) * 1_000);
    lookUp.mockReturnValueOnce(new Promise(() => {}));
    expect((await list(api, `Bearer ${key}`)).status).toBe(200);
    api.memory.forgetKey(keyHash);
    api.advance((apiKeyCacheSeconds / 2) * 1_000);
    expect((await list(api, `Bearer ${key}`)).status).toBe(401);
  });

  it("that a request was refused for is not opened by a look-up that began before", async () => {
    const api = await startApi();
    const { customerId, key, keyHash } = await api.addCustomer();
    expect((await list(api, `Bearer ${key}`)).status).toBe(200);
    const late = Promise.withResolvers<KeyRecord | null>();
    const known = await api.memory.key({ kind: "customer", customerId }, keyHash, api.clock());
    vi.spyOn(api.memory, "key").mockReturnValueOnce(late.promise);
    api.advance((apiKeyCacheSeconds / 2) * 1_000);
    await list(api, `Bearer ${key}`);
    api.memory.forgetKey(keyHash);
    api.advance((apiKeyCacheSeconds / 2) * 1_000);
    expect((await list(api, `Bearer ${key}`)).status).toBe(401);
    late.resolve(known);
    await api.settled();
    expect((await list(api, `Bearer ${key}`)).status).toBe(401);
  });

  it("that was revoked opens nothing any more once it was checked again", async () => {
    const api = await startApi();
    const { key, keyHash } = await api.addCustomer();
    expect((await list(api, `Bearer ${key}`)).status).toBe(200);
    api.memory.forgetKey(keyHash);
    api.advance((apiKeyCacheSeconds / 2) * 1_000);
    await list(api, `Bearer ${key}`);
    await api.settled();
    expect((await list(api, `Bearer ${key}`)).status).toBe(401);
  });

  it("that nobody could check again in time is looked up by the request itself", async () => {
    const api = await startApi();
    const { key } = await api.addCustomer();
    expect((await list(api, `Bearer ${key}`)).status).toBe(200);
    vi.spyOn(api.memory, "key").mockRejectedValueOnce(new StoreUnavailable("a test"));
    api.advance((apiKeyCacheSeconds / 2) * 1_000);
    expect((await list(api, `Bearer ${key}`)).status).toBe(200);
    await api.settled();
    api.advance((apiKeyCacheSeconds / 2) * 1_000);
    expect((await list(api, `Bearer ${key}`)).status).toBe(200);
  });

  it("stops at its expiry, also while it is remembered", async () => {
    const api = await startApi();
    const { key } = await api.addCustomer({ expiresAt: startedAt + 1_000 });
    expect((await list(api, `Bearer ${key}`)).status).toBe(200);
    api.advance(1_000);
    expect((await list(api, `Bearer ${key}`)).status).toBe(401);
  });

  it("is checked without the database for a while, whether it is known or not", async () => {
    const api = await startApi();
    const { customerId, key } = await api.addCustomer();
    const unknown = await newKey(customerId);
    await list(api, `Bearer ${key}`);
    await list(api, `Bearer ${unknown}`);
    api.memory.faults.database = "down";
    const json = { workload_type: "noop" };
    expect((await api.send("POST", "/v1/workloads", { key, json })).status).toBe(202);
    await expectRefused(await api.send("POST", "/v1/workloads", { key: unknown, json }), 401, "UNAUTHORIZED");
  });

  it("that is new gets a 503 while the database is down, and its true answer afterwards", async () => {
    const api = await startApi();
    const { key } = await api.addCustomer();
    api.memory.faults.database = "down";
    await expectRefused(await list(api, `Bearer ${key}`), 503, "SERVICE_UNAVAILABLE");
    api.memory.faults.database = "up";
    expect((await list(api, `Bearer ${key}`)).status).toBe(200);
  });

  it("does what its scopes say", async () => {
    const api = await startApi();
    const { customerId, key: full } = await api.addCustomer();
    const { key: reader } = await api.addKey(customerId, { scopes: ["workloads:read"] });
    const { key: writer } = await api.addKey(customerId, { scopes: ["workloads:write"] });
    const { key: nobody } = await api.addKey(customerId, { scopes: [] });
    const json = { workload_type: "noop" };
    const statuses = async (key: string) => [
      (await api.send("GET", "/v1/workloads", { key })).status,
      (await api.send("POST", "/v1/workloads", { key, json })).status,
      (await api.send("POST", "/v1/workloads/batch", { key, json: { workloads: [json] } })).status,
    ];
    expect(await statuses(full)).toEqual([200, 202, 202]);
    expect(await statuses(reader)).toEqual([200, 403, 403]);
    expect(await statuses(writer)).toEqual([403, 202, 202]);
    expect(await statuses(nobody)).toEqual([403, 403, 403]);
  });

  it("of a suspended customer gets 403", async () => {
    const api = await startApi();
    const { key } = await api.addCustomer({ suspended: true });
    await expectRefused(await list(api, `Bearer ${key}`), 403, "FORBIDDEN");
    const write = await api.send("POST", "/v1/workloads", { key, json: { workload_type: "noop" } });
    await expectRefused(write, 403, "FORBIDDEN");
  });

  it("of the admin belongs to no customer: 403", async () => {
    const api = await startApi();
    const reply = await list(api, `Bearer ${api.adminKey}`);
    expect(reply.headers.get("x-ratelimit-limit")).not.toBeNull();
    await expectRefused(reply, 403, "FORBIDDEN");
  });

  it("is said to be in use at most once in a while, beside the replies", async () => {
    const api = await startApi();
    const { key, keyId } = await api.addCustomer();
    await list(api, `Bearer ${key}`);
    await list(api, `Bearer ${key}`);
    api.advance((keyLastUsedSeconds - 1) * 1_000);
    await list(api, `Bearer ${key}`);
    expect(api.memory.touches).toEqual([[keyId, startedAt]]);
    api.advance(1_000 + apiKeyCacheSeconds * 1_000);
    await list(api, `Bearer ${key}`);
    await api.settled();
    expect(api.memory.touches.slice(1)).toEqual([[keyId, api.clock()]]);
    expect(api.logged).toEqual([]);
  });

  it("is not said to be in use when it is wrong", async () => {
    const api = await startApi();
    const { customerId } = await api.addCustomer();
    await list(api, `Bearer ${await newKey(customerId)}`);
    await list(api, `Bearer ${api.adminKey}`);
    expect(api.memory.touches).toEqual([]);
  });

  it("works also when its use cannot be written, which is logged", async () => {
    const api = await startApi();
    const { key, keyId } = await api.addCustomer();
    api.memory.takesTouches = false;
    expect((await list(api, `Bearer ${key}`)).status).toBe(200);
    await api.settled();
    expect(api.logged).toHaveLength(1);
    expect(JSON.parse(api.logged[0] ?? "")).toMatchObject({ level: "warn", component: "api", key_id: keyId });
  });
});
