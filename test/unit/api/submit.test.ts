/** POST /v1/workloads: what it accepts, and each refusal. */
import { describe, expect, it } from "vitest";
import { submittedSchema } from "../../../schema/http/submit.ts";
import { workloadViewSchema } from "../../../schema/http/workload.ts";
import { inputBytesMax, runAtAheadSecondsMax } from "../../../schema/limits.ts";
import { slowLimits, startApi, startedAt, startPosting } from "../../support/api-fixture.ts";
import { bodyOf, expectRefused } from "../../support/refused.ts";

const path = "/v1/workloads";
const noop = { workload_type: "noop" };

const setUp = () => startPosting(path);

describe("submitting a workload", () => {
  it("answers 202 with its id, status, times, and where to find it", async () => {
    const { api, tenant, post } = await setUp();
    const reply = await post({ ...noop, input_params: { n: 1 }, labels: { run: "7" }, priority: 0 });
    expect(reply.status).toBe(202);
    const submitted = await bodyOf(reply, submittedSchema);
    expect(submitted).toMatchObject({ status: "PENDING", created_at: "2026-01-01T00:00:00.000Z" });
    const location = reply.headers.get("location") ?? "";
    expect(location).toBe(`/v1/workloads/${submitted.workload_id}`);
    const view = await bodyOf(await api.send("GET", location, { key: tenant.key }), workloadViewSchema);
    expect(view).toMatchObject({ input_params: { n: 1 }, labels: { run: "7" }, priority: 0, pool: "default" });
  });

  it("says in the audit trail which key submitted it", async () => {
    const { api, tenant } = await setUp();
    const id = await api.submit(tenant);
    const trail = await api.send("GET", `${path}/${id}/audit`, { key: tenant.key });
    expect(await trail.json()).toMatchObject({
      events: [{ actor_type: "user", actor_id: expect.stringMatching(/^key_/) }],
    });
  });

  it.each([
    ["an unknown field", { ...noop, colour: "red" }, ""],
    ["no type", {}, "workload_type"],
    ["a type in capitals", { workload_type: "NOOP" }, "workload_type"],
    ["a priority above 1000", { ...noop, priority: 1_001 }, "priority"],
    ["a negative priority", { ...noop, priority: -1 }, "priority"],
    ["a priority that is a text", { ...noop, priority: "10" }, "priority"],
    ["a timeout of nothing", { ...noop, timeout_seconds: 0 }, "timeout_seconds"],
    ["a time that is none", { ...noop, run_at: "tomorrow" }, "run_at"],
    ["a day that does not exist", { ...noop, run_at: "2026-02-30T00:00:00Z" }, "run_at"],
    ["a year that no database holds", { ...noop, run_at: "0000-01-01T00:00:00Z" }, "run_at"],
    ["a pool that does not exist", { ...noop, pool: "attic" }, "pool"],
    ["a label that is a number", { ...noop, labels: { a: 1 } }, "labels.a"],
    ["a label whose name has a colon", { ...noop, labels: { "a:b": "1" } }, "labels"],
    ["an unknown affinity rule", { ...noop, affinity_rules: { hard: {} } }, "affinity_rules"],
    [
      "an affinity to a worker that is none",
      { ...noop, affinity_rules: { hard_affinity: { worker_id: "x" } } },
      "affinity_rules.hard_affinity.worker_id",
    ],
  ])("refuses %s", async (_what, body, where) => {
    const { post } = await setUp();
    const error = await expectRefused(await post(body), 400, "INVALID_INPUT");
    expect(error.details).toMatchObject({ issues: [{ path: where }] });
  });

  it("refuses a body that is no object", async () => {
    const { post } = await setUp();
    for (const body of [null, [], "text", 7]) await expectRefused(await post(body), 400, "INVALID_INPUT");
  });

  it("lists at most 20 issues, each of a bounded length", async () => {
    const { post } = await setUp();
    const labels = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`${index}${"k".repeat(5_000)}`, 1]));
    const error = await expectRefused(await post({ ...noop, labels }), 400, "INVALID_INPUT");
    expect(error.details).toHaveProperty("issues.length", 20);
    expect(JSON.stringify(error).length).toBeLessThan(20_000);
  });

  it("refuses a type that the customer has not registered", async () => {
    const { post } = await setUp();
    const error = await expectRefused(await post({ workload_type: "unheard.of" }), 400, "INVALID_INPUT");
    expect(error.details).toEqual({ workload_type: "unheard.of", item: 0 });
  });

  it("takes a start up to a year ahead, or one that has passed, and refuses a later one", async () => {
    const { post } = await setUp();
    const at = (ahead: number) => ({ ...noop, run_at: new Date(startedAt + ahead * 1_000).toISOString() });
    expect((await post(at(runAtAheadSecondsMax))).status).toBe(202);
    expect((await post(at(-60))).status).toBe(202);
    await expectRefused(await post(at(runAtAheadSecondsMax + 1)), 400, "INVALID_INPUT");
  });

  it("takes an input of exactly the largest size and refuses one byte more with 413", async () => {
    const { post } = await setUp();
    const input = (bytes: number) => ({ ...noop, input_params: "x".repeat(bytes - 2) });
    expect((await post(input(inputBytesMax))).status).toBe(202);
    await expectRefused(await post(input(inputBytesMax + 1)), 413, "PAYLOAD_TOO_LARGE");
  });

  it("passes a W3C trace context on and leaves out what is none", async () => {
    const { api, post } = await setUp();
    const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    for (const given of [
      traceparent,
      "nonsense",
      traceparent.replace("4bf92f3577b34da6a3ce929d0e0e4736", "0".repeat(32)),
    ]) {
      expect((await post(noop, { traceparent: given })).status).toBe(202);
    }
    expect(api.memory.traceparents).toEqual([traceparent, null, null]);
  });

  it("answers 503 with Retry-After when the queue is full", async () => {
    const api = await startApi();
    const tenant = await api.addCustomer({ limits: slowLimits({ queueDepthMax: 1 }) });
    await api.submit(tenant);
    const reply = await api.send("POST", path, { key: tenant.key, json: noop });
    expect(Number(reply.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    const error = await expectRefused(reply, 503, "SERVICE_UNAVAILABLE");
    expect(error.details).toEqual({ queue_depth_max: 1 });
  });

  it("answers 503 with Retry-After while no coordinator answers", async () => {
    const { api, post } = await setUp();
    api.memory.faults.leader = "down";
    const reply = await post(noop);
    expect(reply.headers.get("retry-after")).toBe("1");
    expect(reply.headers.get("x-ratelimit-limit")).not.toBeNull();
    await expectRefused(reply, 503, "SERVICE_UNAVAILABLE");
  });
});
