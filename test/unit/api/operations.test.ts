/** The operators' routes, and the agents' one. */
import { describe, expect, it, vi } from "vitest";
import { healthSchema, readySchema } from "../../../schema/http/health.ts";
import { readySecondsMax } from "../../../schema/limits.ts";
import { startApi } from "../../support/api-fixture.ts";
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
      api.advance(readySecondsMax * 1_000);
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

  it("look once for all who ask /ready at once or within a moment", async () => {
    const api = await startApi();
    const looks = [vi.spyOn(api.memory, "ping"), vi.spyOn(api.pools, "health")] as const;
    const counts = () => looks.map((look) => look.mock.calls.length);
    const status = async () => (await api.send("GET", "/ready")).status;
    expect(new Set(await Promise.all(Array.from({ length: 100 }, status)))).toEqual(new Set([200]));
    expect(counts()).toEqual([1, api.pools.pools.length]);
    api.memory.faults.database = "down";
    api.advance(readySecondsMax * 1_000 - 1);
    expect(await status()).toBe(200);
    api.advance(1);
    expect(await Promise.all([status(), status()])).toEqual([503, 503]);
    expect(counts()).toEqual([2, 2 * api.pools.pools.length]);
    api.memory.faults.database = "up";
    api.advance(readySecondsMax * 1_000);
    expect(await status()).toBe(200);
  });

  it("answer /metrics as Prometheus text, and 503 while no scheduler answers", async () => {
    const api = await startApi({ metrics: { isPublic: true, token: null } });
    const reply = await api.send("GET", "/metrics");
    expect(reply.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    expect(await reply.text()).toContain("niyanta_worker_capacity_total 10");
    api.memory.faults.leader = "down";
    await expectRefused(await api.send("GET", "/metrics"), 503, "SERVICE_UNAVAILABLE");
  });

  it("ask for the token of the metrics, and without one show them to nobody", async () => {
    const api = await startApi({ metrics: { isPublic: false, token: "scrape-me" } });
    await expectRefused(await api.send("GET", "/metrics"), 401, "UNAUTHORIZED");
    await expectRefused(await api.send("GET", "/metrics", { key: "scrape-you" }), 401, "UNAUTHORIZED");
    expect((await api.send("GET", "/metrics", { key: "scrape-me" })).status).toBe(200);
    const closed = await startApi();
    for (const shown of [{}, { key: "scrape-me" }, { key: "null" }, { key: closed.adminKey }])
      await expectRefused(await closed.send("GET", "/metrics", shown), 401, "UNAUTHORIZED");
  });
});
