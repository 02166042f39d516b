/** Paths, methods, and the headers that every reply has. */
import { describe, expect, it } from "vitest";
import { startApi } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

const id = "wl_01arz3ndektsv4rrffq69g5fav";

describe("paths and methods", () => {
  it.each([
    "/v1",
    "/v2/workloads",
    "/v1/workloads/",
    `/v1/workloads/${id}/explode`,
    "/v1/workloads/a/b/c",
    "/%ff",
    "//",
    "/healthz",
  ])("answers 404 for %s, whoever asks", async (path) => {
    const api = await startApi();
    await expectRefused(await api.send("GET", path), 404, "NOT_FOUND");
    await expectRefused(await api.send("POST", path), 404, "NOT_FOUND");
  });

  it.each([
    ["DELETE", "/v1/workloads", "GET, HEAD, POST"],
    ["GET", "/v1/workloads/batch", "POST"],
    ["PUT", `/v1/workloads/${id}`, "GET, HEAD"],
    ["PATCH", `/v1/workloads/${id}`, "GET, HEAD"],
    ["GET", `/v1/workloads/${id}/cancel`, "POST"],
    ["POST", `/v1/workloads/${id}/audit`, "GET, HEAD"],
    ["POST", `/v1/workloads/${id}/logs`, "GET, HEAD"],
    ["OPTIONS", "/v1/workloads", "GET, HEAD, POST"],
    ["POST", "/health", "GET, HEAD"],
    ["POST", "/ready", "GET, HEAD"],
    ["DELETE", "/metrics", "GET, HEAD"],
    ["GET", "/v1/agents/wake", "POST"],
    ["POST", "/", "GET, HEAD"],
  ])("answers 405 for %s %s and says what is allowed", async (method, path, allow) => {
    const api = await startApi();
    const reply = await api.send(method, path);
    expect(reply.headers.get("allow")).toBe(allow);
    await expectRefused(reply, 405, "METHOD_NOT_ALLOWED");
  });

  it("answers HEAD as GET, without the body", async () => {
    const api = await startApi({ metrics: { isPublic: true, token: null } });
    const tenant = await api.addCustomer();
    const workload = `/v1/workloads/${await api.submit(tenant)}`;
    for (const path of ["/", "/health", "/ready", "/metrics", "/v1/workloads", workload, `${workload}/audit`]) {
      const reply = await api.send("HEAD", path, { key: tenant.key });
      expect({ path, status: reply.status, body: await reply.text() }).toEqual({ path, status: 200, body: "" });
      expect(reply.headers.get("x-request-id")).not.toBeNull();
    }
    expect((await api.send("HEAD", "/v1/workloads")).status).toBe(401);
  });
});

describe("the address of a request", () => {
  /** As the runtime hands it over: with the URL as it came, whatever it is. */
  const asked = async (url: string, host: string) => {
    class Raw extends Request {
      override get url() {
        return url;
      }
    }
    const { app } = await startApi();
    return app.fetch(new Raw("http://localhost/", { headers: { host } }));
  };

  it.each(["[::", "a b", "x:99999", "%", "a%2fb"])("is refused where nobody could read it: %s", async (host) => {
    await expectRefused(await asked(`http://${host}/health?limit=1`, host), 400, "INVALID_INPUT");
  });

  it.each(["a/b", "a?b", "a@b", "a@b#", "a\\b"])("is refused where its host would change it: %s", async (host) => {
    await expectRefused(await asked(`http://${host}/health`, host), 400, "INVALID_INPUT");
  });

  it.each(["x", "x:8080", "127.0.0.1:1", "[::1]:80", "a_b.example", "xn--9ca"])(
    "may have the host %s",
    async (host) => {
      expect((await asked(`http://${host}/health`, host)).status).toBe(200);
    },
  );
});

describe("every reply", () => {
  const asked = async (headers: Record<string, string>) => {
    const api = await startApi();
    return api.send("GET", "/health", { headers });
  };

  it("has the request's own id where it is sane", async () => {
    const reply = await asked({ "x-request-id": "build-7_a.b" });
    expect(reply.headers.get("x-request-id")).toBe("build-7_a.b");
  });

  it.each(["", "a b", "x".repeat(129), "<script>", "{}"])("has an id of its own instead of '%s'", async (given) => {
    const reply = await asked({ "x-request-id": given });
    expect(reply.headers.get("x-request-id")).toBe("req_1");
  });

  it("has headers that keep browsers and caches away, refusals too", async () => {
    const api = await startApi();
    const { key } = await api.addCustomer();
    api.memory.faults.database = "broken";
    const paths = ["/health", "/nowhere", "/v1/workloads"];
    const replies = await Promise.all(paths.map((path) => api.send("GET", path, { key })));
    expect(replies.map(({ status }) => status)).toEqual([200, 404, 500]);
    for (const { headers } of replies) {
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(headers.get("x-request-id")).toMatch(/^req_/);
    }
  });
});
