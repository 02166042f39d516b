/** The operators' routes, and the agents' one. */
import { describe, expect, it } from "vitest";
import { healthSchema, readySchema } from "../../../schema/http/health.ts";
import { agentToken, startApi } from "../../support/api-fixture.ts";
import { bodyOf, expectRefused } from "../../support/refused.ts";

describe("the operators' routes", () => {
  it("say what this is and where things are", async () => {
    const api = await startApi();
    const reply = await api.send("GET", "/");
    expect(await reply.json()).toMatchObject({ name: "niyanta", version: "1.2.3", links: { ready: "/ready" } });
  });

  it("answer /health with everything else down", async () => {
    const api = await startApi();
    Object.assign(api.memory.faults, { database: "down", leader: "down", broker: "down" });
    const reply = await api.send("GET", "/health");
    expect(reply.status).toBe(200);
    expect(await bodyOf(reply, healthSchema.strict())).toEqual({ status: "ok", version: "1.2.3" });
  });

  it("answer /ready with each dependency by name", async () => {
    const api = await startApi();
    const ready = async () => {
      const reply = await api.send("GET", "/ready");
      return { code: reply.status, ...(await bodyOf(reply, readySchema.strict())) };
    };
    const up = { database: "ok", broker: "ok", leader: "ok" };
    expect(await ready()).toEqual({ code: 200, status: "ready", dependencies: up });
    api.memory.faults.database = "down";
    expect(await ready()).toEqual({
      code: 503,
      status: "unavailable",
      dependencies: { ...up, database: "unavailable" },
    });
    Object.assign(api.memory.faults, { database: "up", broker: "down" });
    expect(await ready()).toMatchObject({ code: 503, dependencies: { ...up, broker: "unavailable" } });
    Object.assign(api.memory.faults, { broker: "up", leader: "down" });
    expect(await ready()).toMatchObject({ code: 503, dependencies: { database: "ok", leader: "unavailable" } });
  });

  it("answer /metrics as Prometheus text, and 503 while no scheduler answers", async () => {
    const api = await startApi();
    const reply = await api.send("GET", "/metrics");
    expect(reply.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    expect(await reply.text()).toContain("niyanta_worker_capacity_total 10");
    api.memory.faults.leader = "down";
    await expectRefused(await api.send("GET", "/metrics"), 503, "SERVICE_UNAVAILABLE");
  });

  it("ask for the token of the metrics where there is one", async () => {
    const api = await startApi({ metricsToken: "scrape-me" });
    await expectRefused(await api.send("GET", "/metrics"), 401, "UNAUTHORIZED");
    await expectRefused(await api.send("GET", "/metrics", { key: "scrape-you" }), 401, "UNAUTHORIZED");
    expect((await api.send("GET", "/metrics", { key: "scrape-me" })).status).toBe(200);
  });
});

describe("waking a pool", () => {
  const path = "/v1/agents/wake";

  it("tells its scheduler, and answers 202", async () => {
    const api = await startApi();
    const reply = await api.send("POST", path, { key: agentToken, json: { pool: "gpu" } });
    expect(reply.status).toBe(202);
    expect(api.pools.woken).toEqual(["gpu"]);
  });

  it("is for agents only", async () => {
    const api = await startApi();
    const { key } = await api.addCustomer();
    const json = { pool: "default" };
    for (const wrong of [key, api.adminKey, `${agentToken}x`, agentToken.slice(1)]) {
      await expectRefused(await api.send("POST", path, { key: wrong, json }), 401, "UNAUTHORIZED");
    }
    await expectRefused(await api.send("POST", path, { json }), 401, "UNAUTHORIZED");
    expect(api.pools.woken).toEqual([]);
    await expectRefused(await api.send("GET", "/v1/workloads", { key: agentToken }), 401, "UNAUTHORIZED");
  });

  it("refuses pools that do not exist and bodies that are none", async () => {
    const api = await startApi();
    for (const json of [{ pool: "attic" }, { pool: "../x" }, {}, { pool: "gpu", worker: "x" }, null]) {
      await expectRefused(await api.send("POST", path, { key: agentToken, json }), 400, "INVALID_INPUT");
    }
    const untyped = await api.send("POST", path, { key: agentToken, body: "pool=gpu" });
    await expectRefused(untyped, 415, "UNSUPPORTED_MEDIA_TYPE");
  });

  it("answers 503 while the scheduler does not answer", async () => {
    const api = await startApi();
    api.memory.faults.leader = "down";
    const reply = await api.send("POST", path, { key: agentToken, json: { pool: "gpu" } });
    expect(reply.headers.get("retry-after")).toBe("1");
    await expectRefused(reply, 503, "SERVICE_UNAVAILABLE");
  });
});
