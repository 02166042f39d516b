/** The X-RateLimit headers and the bucket of reads. */
import { createUser } from "@nats-io/nkeys";
import { describe, expect, it } from "vitest";
import { rateUnlimitedShown } from "../../../functions/api/rate-headers.ts";
import { poolRequestsBurst, poolRequestsPerSecond } from "../../../schema/limits.ts";
import { readRateFactor, tierLimits } from "../../../schema/tiers.ts";
import { type Api, poolToken, slowLimits, startApi } from "../../support/api-fixture.ts";
import { documentOf, operationsOf } from "../../support/documented.ts";
import { expectRefused } from "../../support/refused.ts";
import { TokenIssuer } from "../../support/token-issuer.ts";

const rateOf = (reply: Response) =>
  ["limit", "remaining", "reset"].map((name) => Number(reply.headers.get(`x-ratelimit-${name}`) ?? Number.NaN));

const public_key = createUser().getPublicKey();
const enrolBody = (api: Api) => ({ pool: "gpu", worker_id: api.ids.worker(), public_key });

describe("rate limits", () => {
  it("are on reads, counted in a bucket that is larger than the one of submissions", async () => {
    const api = await startApi();
    const limits = slowLimits({ submitsPerSecond: 1, submitBurst: 2 });
    const { key } = await api.addCustomer({ limits });
    const burst = limits.submitBurst * readRateFactor;
    for (let left = burst - 1; left >= 0; left--) {
      const reply = await api.send("GET", "/v1/workloads", { key });
      expect(reply.status).toBe(200);
      expect(rateOf(reply)).toEqual([burst, left, Math.ceil((burst - left) / readRateFactor)]);
    }
    const refused = await api.send("GET", "/v1/workloads", { key });
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(rateOf(refused)).toEqual([burst, 0, limits.submitBurst]);
    await expectRefused(refused, 429, "RATE_LIMITED");
    api.advance(1_000 / readRateFactor);
    expect((await api.send("GET", "/v1/workloads", { key })).status).toBe(200);
  });

  it("are counted for each customer, not for each key", async () => {
    const api = await startApi();
    const limits = slowLimits({ submitBurst: 1 });
    const { customerId, key } = await api.addCustomer({ limits });
    const { key: second } = await api.addKey(customerId, { limits });
    const { key: stranger } = await api.addCustomer({ limits });
    await api.send("GET", "/v1/workloads", { key });
    expect(rateOf(await api.send("GET", "/v1/workloads", { key: second }))[1]).toBe(readRateFactor - 2);
    expect(rateOf(await api.send("GET", "/v1/workloads", { key: stranger }))[1]).toBe(readRateFactor - 1);
  });

  it("of submissions are those of the coordinator, and 429 says when to come back", async () => {
    const api = await startApi();
    const { key } = await api.addCustomer({ limits: slowLimits({ submitsPerSecond: 1, submitBurst: 2 }) });
    const post = () => api.send("POST", "/v1/workloads", { key, json: { workload_type: "noop" } });
    expect(rateOf(await post()).slice(0, 2)).toEqual([2, 1]);
    expect(rateOf(await post()).slice(0, 2)).toEqual([2, 0]);
    const refused = await post();
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(rateOf(refused).slice(0, 2)).toEqual([2, 0]);
    await expectRefused(refused, 429, "RATE_LIMITED");
  });

  it("bound submissions that never come to the coordinator, before their bodies are read", async () => {
    const api = await startApi();
    const limits = slowLimits({ submitsPerSecond: 1, submitBurst: 2 });
    const { key } = await api.addCustomer({ limits });
    const burst = limits.submitBurst * readRateFactor;
    const spoilt = () => api.send("POST", "/v1/workloads", { key, json: { workload_type: 7 } });
    for (let left = burst - 1; left >= 0; left--) {
      const reply = await spoilt();
      expect([reply.status, ...rateOf(reply).slice(0, 2)]).toEqual([400, burst, left]);
    }
    const unread = new ReadableStream<Uint8Array>({}, { highWaterMark: 0 });
    const refused = await api.send("POST", "/v1/workloads", {
      key,
      body: unread,
      headers: { "content-type": "application/json" },
    });
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(rateOf(refused).slice(0, 2)).toEqual([burst, 0]);
    await expectRefused(refused, 429, "RATE_LIMITED");
    expect((await api.send("GET", "/v1/workloads", { key })).status).toBe(200);
    api.advance(1_000 / readRateFactor);
    expect((await spoilt()).status).toBe(400);
  });

  it("let nobody submit less because of reads, or of submissions that were counted", async () => {
    const api = await startApi();
    const limits = slowLimits({ submitsPerSecond: 1, submitBurst: 2, queueDepthMax: 1_000 });
    const { key } = await api.addCustomer({ limits });
    const post = () => api.send("POST", "/v1/workloads", { key, json: { workload_type: "noop" } });
    const burst = limits.submitBurst * readRateFactor;
    for (let n = 0; n <= burst; n++) await api.send("GET", "/v1/workloads", { key });
    expect((await api.send("GET", "/v1/workloads", { key })).status).toBe(429);
    expect([(await post()).status, (await post()).status]).toEqual([202, 202]);
    // Over its own limit, again and again: each is counted by the coordinator, and by nobody else.
    for (let n = 0; n <= burst; n++) expect(rateOf(await post())[0]).toBe(limits.submitBurst);
    for (let n = 0; n < 2 * burst; n++) {
      api.advance(1_000);
      expect((await post()).status).toBe(202);
    }
  });

  it("are numbers on every authenticated reply, refusals and customers without a limit too", async () => {
    const api = await startApi();
    const limited = await api.addCustomer({ scopes: ["workloads:write"] });
    const unlimited = await api.addCustomer({ limits: slowLimits({ submitsPerSecond: null }) });
    const replies = [
      await api.send("GET", "/v1/workloads", { key: limited.key }),
      await api.send("POST", "/v1/workloads", { key: limited.key, json: {} }),
      await api.send("POST", "/v1/workloads/wl_x/cancel", { key: limited.key }),
      await api.send("GET", "/v1/workloads/wl_x", { key: unlimited.key }),
      await api.send("POST", "/v1/workloads", { key: unlimited.key, json: { workload_type: "noop" } }),
    ];
    for (const reply of replies) for (const number of rateOf(reply)) expect(number).toBeGreaterThanOrEqual(0);
    expect(replies.slice(3).map(rateOf)).toEqual([
      [rateUnlimitedShown, rateUnlimitedShown, 0],
      [rateUnlimitedShown, rateUnlimitedShown, 0],
    ]);
  });

  it("are on the replies to the operator, who has none", async () => {
    const api = await startApi();
    const reply = await api.send("GET", "/v1/workloads", { key: api.adminKey });
    expect(rateOf(reply)).toEqual([rateUnlimitedShown, rateUnlimitedShown, 0]);
  });

  it("of a pool are those of all its agents, and another pool's are its own", async () => {
    const api = await startApi();
    const [gpu, other] = [await poolToken("gpu"), await poolToken("default")];
    const enrol = () => api.send("POST", "/v1/agents/enroll", { key: gpu, json: enrolBody(api) });
    const wake = (key: string, pool: string) => api.send("POST", "/v1/agents/wake", { key, json: { pool } });
    expect(rateOf(await enrol())).toEqual([poolRequestsBurst, poolRequestsBurst - 1, 1]);
    for (let left = poolRequestsBurst - 2; left >= 0; left--) {
      const reply = await wake(gpu, "gpu");
      expect([reply.status, rateOf(reply)[1]]).toEqual([202, left]);
    }
    for (const refused of [await wake(gpu, "gpu"), await enrol()]) {
      expect(refused.headers.get("retry-after")).toBe("1");
      expect(rateOf(refused)).toEqual([poolRequestsBurst, 0, poolRequestsBurst / poolRequestsPerSecond]);
      await expectRefused(refused, 429, "RATE_LIMITED");
    }
    expect(api.pools.woken).toHaveLength(poolRequestsBurst - 1);
    expect(rateOf(await wake(other, "default"))[1]).toBe(poolRequestsBurst - 1);
    api.advance(1_000 / poolRequestsPerSecond);
    expect((await enrol()).status).toBe(200);
    expect((await enrol()).status).toBe(429);
  });

  it("hold up none of a thousand agents that come back at once", async () => {
    const api = await startApi();
    const key = await poolToken("gpu");
    for (let worker = 0; worker < 1_000; worker++) {
      expect((await api.send("POST", "/v1/agents/enroll", { key, json: enrolBody(api) })).status).toBe(200);
      expect((await api.send("POST", "/v1/agents/wake", { key, json: { pool: "gpu" } })).status).toBe(202);
    }
  });

  it("are on replies to every kind of credential, also those that refuse", async () => {
    const issuer = await TokenIssuer.start();
    const api = await startApi({ jwt: issuer.trust, metrics: { isPublic: false, token: "scrape-me" } });
    const { customerId, key } = await api.addCustomer();
    const token = await issuer.sign(api.clock(), { claims: { customer_id: customerId } });
    const ofPool = await poolToken("gpu");
    const replies = [
      await api.send("GET", "/v1/workloads", { key }),
      await api.send("GET", "/v1/workloads", { key: token }),
      await api.send("GET", `/v1/ws/workloads?token=${key}`),
      await api.send("GET", "/v1/admin/workers", { key: api.adminKey }),
      await api.send("POST", "/v1/agents/enroll", { key: ofPool, json: enrolBody(api) }),
      await api.send("POST", "/v1/agents/wake", { key: ofPool, json: {} }),
      await api.send("POST", "/v1/agents/wake", { key: ofPool, json: { pool: "default" } }),
      await api.send("GET", "/metrics", { key: "scrape-me" }),
    ];
    const shown = replies.map(rateOf);
    expect(shown.flat().filter((number) => !(number >= 0))).toEqual([]);
    expect(shown.map(([limit]) => limit)).toEqual([
      ...Array.from({ length: 3 }, () => tierLimits.enterprise.submitBurst * readRateFactor),
      rateUnlimitedShown,
      ...Array.from({ length: 3 }, () => poolRequestsBurst),
      rateUnlimitedShown,
    ]);
    await issuer.stop();
  });

  it("are on the metrics for who shows their token, who has none; not where they are open", async () => {
    const closed = await startApi({ metrics: { isPublic: false, token: "scrape-me" } });
    const shown = await closed.send("GET", "/metrics", { key: "scrape-me" });
    expect(rateOf(shown)).toEqual([rateUnlimitedShown, rateUnlimitedShown, 0]);
    const open = await startApi({ metrics: { isPublic: true, token: null } });
    expect((await open.send("GET", "/metrics")).headers.get("x-ratelimit-limit")).toBeNull();
  });

  it("are documented for every operation that asks for a credential", async () => {
    const api = await startApi();
    for (const { path, operation } of operationsOf(documentOf(await (await api.send("GET", "/openapi.json")).text()))) {
      const own = Object.entries(operation.responses).filter(([status]) => status !== "401" && status !== "101");
      for (const [status, { headers }] of own) {
        const isShown = Object.keys(headers ?? {}).includes("X-RateLimit-Limit");
        expect({ path, status, isShown }).toEqual({ path, status, isShown: operation.security.length > 0 });
      }
    }
  });

  it("count a key and a token of one customer in one bucket", async () => {
    const issuer = await TokenIssuer.start();
    const api = await startApi({ jwt: issuer.trust });
    const { customerId, key } = await api.addCustomer({ limits: slowLimits({ submitBurst: 1 }) });
    const token = await issuer.sign(api.clock(), { claims: { customer_id: customerId } });
    expect(rateOf(await api.send("GET", "/v1/workloads", { key }))[1]).toBe(readRateFactor - 1);
    expect(rateOf(await api.send("GET", "/v1/workloads", { key: token }))[1]).toBe(readRateFactor - 2);
    await issuer.stop();
  });

  it("count a HEAD as they count a GET", async () => {
    const api = await startApi();
    const { key } = await api.addCustomer({ limits: slowLimits({ submitBurst: 1 }) });
    for (let left = readRateFactor - 1; left >= 0; left--) {
      const reply = await api.send("HEAD", "/v1/workloads", { key });
      expect([reply.status, rateOf(reply)[1]]).toEqual([200, left]);
    }
    expect((await api.send("HEAD", "/v1/workloads", { key })).status).toBe(429);
  });

  it("are not shown to who is not authenticated", async () => {
    const api = await startApi();
    const reply = await api.send("GET", "/v1/workloads");
    expect(reply.headers.get("x-ratelimit-limit")).toBeNull();
  });
});
