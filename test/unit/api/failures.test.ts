/** Wrong credentials: counted by where they come from, whatever kind they are, and at nobody else's expense. */
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { networkOf } from "../../../functions/api/identity/client-address.ts";
import { createFailures } from "../../../functions/api/identity/failures.ts";
import { createGate, type Verdict } from "../../../functions/api/identity/gate.ts";
import { newKey } from "../../../schema/api-key.ts";
import { apiKeyCacheSeconds, failuresBurst, failuresPerSecond } from "../../../schema/limits.ts";
import { type Api, poolToken, startApi, startedAt } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";
import { TokenIssuer } from "../../support/token-issuer.ts";

const here = "203.0.113.7";
const crowd = 10 * failuresBurst;
const list = (api: Api, key?: string, address = here) =>
  api.send("GET", "/v1/workloads", { ...(key === undefined ? {} : { key }), headers: { "cf-connecting-ip": address } });
const statusOf = async (...asked: Parameters<typeof list>) => (await list(...asked)).status;

async function fail(api: Api, times: number, address = here): Promise<void> {
  for (let n = 0; n < times; n++) expect(await statusOf(api, "garbage", address)).toBe(401);
}

describe("wrong credentials", () => {
  it("are answered with 429 once there were too many, without a look-up, until time has passed", async () => {
    const api = await startApi();
    const { customerId, key } = await api.addCustomer();
    await fail(api, failuresBurst);
    api.memory.faults.database = "broken";
    for (const token of ["garbage", key, await newKey(customerId), api.adminKey]) {
      const refused = await list(api, token);
      expect(refused.headers.get("retry-after")).toBe(String(1 / failuresPerSecond));
      expect(refused.headers.get("www-authenticate")).toBeNull();
      await expectRefused(refused, 429, "RATE_LIMITED");
    }
    api.memory.faults.database = "up";
    api.advance(1_000 / failuresPerSecond);
    expect(await statusOf(api, "garbage")).toBe(401);
    expect(await statusOf(api, "garbage")).toBe(429);
    api.advance(1_000 / failuresPerSecond);
    expect(await statusOf(api, key)).toBe(200);
  });

  it("that come at once are looked up no oftener than if they came one by one", async () => {
    const api = await startApi();
    const { customerId } = await api.addCustomer();
    const lookedUp = vi.spyOn(api.memory, "key");
    const keys = await Promise.all(Array.from({ length: crowd }, () => newKey(customerId)));
    const statuses = await Promise.all(keys.map((key) => statusOf(api, key)));
    expect(lookedUp).toHaveBeenCalledTimes(failuresBurst);
    expect(statuses.filter((status) => status === 401)).toHaveLength(failuresBurst);
    expect(statuses.filter((status) => status === 429)).toHaveLength(crowd - failuresBurst);
  });

  it("are not what many right ones are that come at once, of one customer or of many", async () => {
    const api = await startApi();
    const one = await api.addCustomer();
    const many = await Promise.all(Array.from({ length: crowd }, () => api.addCustomer()));
    for (const tenants of [Array<typeof one>(crowd).fill(one), many]) {
      const statuses = await Promise.all(tenants.map(({ key }) => statusOf(api, key)));
      expect(new Set(statuses)).toEqual(new Set([200]));
    }
  });

  it("among right ones that come at once are paid for by themselves alone", async () => {
    const api = await startApi();
    const many = await Promise.all(Array.from({ length: crowd }, () => api.addCustomer()));
    const wrong = await Promise.all(many.slice(0, failuresBurst - 1).map(({ customerId }) => newKey(customerId)));
    const statuses = await Promise.all([...wrong, ...many.map(({ key }) => key)].map((key) => statusOf(api, key)));
    expect(statuses).toEqual([...wrong.map(() => 401), ...many.map(() => 200)]);
  });

  it("are none while nobody can say whether they are", async () => {
    const api = await startApi();
    const { customerId, key } = await api.addCustomer();
    api.memory.faults.database = "down";
    for (let n = 0; n <= failuresBurst; n++) expect(await statusOf(api, await newKey(customerId))).toBe(503);
    api.memory.faults.database = "up";
    expect(await statusOf(api, key)).toBe(200);
  });

  it("stop nobody whose key was right when it was looked up last", async () => {
    const api = await startApi();
    const { key, keyHash } = await api.addCustomer();
    expect(await statusOf(api, key)).toBe(200);
    await fail(api, failuresBurst);
    expect(await statusOf(api, key)).toBe(200);
    api.advance(apiKeyCacheSeconds * 1_000);
    await fail(api, apiKeyCacheSeconds * failuresPerSecond);
    expect(await statusOf(api, key)).toBe(200);
    api.memory.forgetKey(keyHash);
    api.advance(apiKeyCacheSeconds * 1_000);
    await fail(api, apiKeyCacheSeconds * failuresPerSecond);
    expect(await statusOf(api, key)).toBe(401);
    expect(await statusOf(api, key)).toBe(429);
  });

  it("are counted, and requests without any are not", async () => {
    const api = await startApi();
    for (let n = 0; n <= failuresBurst; n++) expect(await statusOf(api)).toBe(401);
    await fail(api, failuresBurst);
    expect(await statusOf(api)).toBe(401);
    expect(await statusOf(api, "garbage")).toBe(429);
  });

  it("are counted for each address, all of an IPv6 network being one", async () => {
    const api = await startApi();
    await fail(api, failuresBurst);
    await fail(api, failuresBurst, "2001:db8::1");
    expect(await statusOf(api, "garbage", "2001:db8:0:0:ffff::2")).toBe(429);
    expect(await statusOf(api, "garbage", "2001:db8:0:1::1")).toBe(401);
    expect(await statusOf(api, "garbage", "203.0.113.8")).toBe(401);
  });

  it("of all kinds are counted together", async () => {
    const issuer = await TokenIssuer.start();
    const api = await startApi({ jwt: issuer.trust, metrics: { isPublic: false, token: "the-token-for-metrics" } });
    const headers = { "cf-connecting-ip": here };
    const { customerId } = await api.addCustomer();
    const kinds = [
      async () => list(api, "garbage"),
      async () => list(api, await newKey(customerId)),
      async () => list(api, await newKey("admin")),
      async () => list(api, await issuer.sign(startedAt, { without: ["sub"] })),
      async () => api.send("POST", "/v1/agents/wake", { key: "garbage", headers, json: { pool: "gpu" } }),
      async () => api.send("GET", "/metrics", { key: "garbage", headers }),
    ];
    for (let n = 0; n < failuresBurst; n++) expect((await kinds[n % kinds.length]?.())?.status).toBe(401);
    for (const show of kinds) expect((await show()).status).toBe(429);
    const pool = { key: await poolToken("gpu"), headers, json: { pool: "gpu" } };
    expect((await api.send("POST", "/v1/agents/wake", pool)).status).toBe(429);
    expect((await api.send("GET", "/metrics", { key: "the-token-for-metrics", headers })).status).toBe(429);
    await issuer.stop();
  });

  it("of a pool or of the metrics stop no right one that was shown before", async () => {
    const api = await startApi({ metrics: { isPublic: false, token: "the-token-for-metrics" } });
    const headers = { "cf-connecting-ip": here };
    const pool = { key: await poolToken("gpu"), headers, json: { pool: "gpu" } };
    const metrics = { key: "the-token-for-metrics", headers };
    const statuses = async () => [
      (await api.send("POST", "/v1/agents/wake", pool)).status,
      (await api.send("GET", "/metrics", metrics)).status,
    ];
    expect(await statuses()).toEqual([202, 200]);
    await fail(api, failuresBurst);
    expect(await statuses()).toEqual([202, 200]);
    expect(await statusOf(api, "garbage")).toBe(429);
  });

  it("push nothing out of memory that is right", async () => {
    const now = startedAt;
    const looked: string[] = [];
    const verify = async (token: string): Promise<Verdict<string>> => {
      looked.push(token);
      return { value: token === "right" ? token : null, until: now + 1 };
    };
    const clock = () => now;
    const gate = createGate({ clock, background: () => {}, failures: createFailures(clock), entriesMax: 2, verify });
    for (const token of ["right", "wrong-1", "wrong-2", "wrong-3", "right", "wrong-3"]) await gate(token, here);
    expect(looked).toEqual(["right", "wrong-1", "wrong-2", "wrong-3"]);
  });
});

describe("an address", () => {
  it.each([
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["::", "0:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["2001:DB8::1", "2001:db8:0:0::/64"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002::", "2001:db8:1:2::/64"],
    ["", "unknown"],
    ["a host", "unknown"],
    [":".repeat(60), "unknown"],
  ])("%j is counted as %s", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it("is one, however it is written", () => {
    const group = fc.integer({ min: 0, max: 0xffff });
    fc.assert(
      fc.property(fc.array(fc.oneof(group, fc.constant(0)), { minLength: 8, maxLength: 8 }), (groups) => {
        const full = groups.map((one) => one.toString(16).padStart(4, "0")).join(":");
        const short = new URL(`http://[${full}]`).hostname.slice(1, -1);
        expect(networkOf(short)).toBe(networkOf(full));
        expect(networkOf(full.toUpperCase())).toBe(
          `${groups
            .slice(0, 4)
            .map((one) => one.toString(16))
            .join(":")}::/64`,
        );
      }),
    );
  });
});
