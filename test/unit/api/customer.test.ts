/** /v1/customer and its statistics. */
import { describe, expect, it } from "vitest";
import { customerWithUsageSchema } from "../../../schema/http/customer.ts";
import { statisticsSchema } from "../../../schema/http/statistics.ts";
import { slowLimits, startApi, startedAt } from "../../support/api-fixture.ts";
import { expectRefused } from "../../support/refused.ts";

const iso = (at: number) => new Date(at).toISOString();

describe("/v1/customer", () => {
  it("shows the limits, what differs from the tier, and what is made use of", async () => {
    const api = await startApi();
    const tenant = await api.addCustomer({ limits: slowLimits({ submitBurst: 9, queueDepthMax: 50 }) });
    await api.submit(tenant);
    const reply = await api.send("GET", "/v1/customer", { key: tenant.key });
    expect(reply.status).toBe(200);
    const view = customerWithUsageSchema.strict().parse(await reply.json());
    expect(view).toMatchObject({
      customer_id: tenant.customerId,
      tier: "enterprise",
      suspended: false,
      limits: { submit_burst: 9, queue_depth_max: 50, submits_per_second: 1 },
      overrides: { submit_burst: 9 },
      usage: { running: 0, queued: 1, submit_tokens: 8 },
    });
  });

  it("needs the scope for reading, and a coordinator that answers", async () => {
    const api = await startApi();
    const tenant = await api.addCustomer();
    const writer = await api.addKey(tenant.customerId, { scopes: ["workloads:write"] });
    await expectRefused(await api.send("GET", "/v1/customer", { key: writer.key }), 403, "FORBIDDEN");
    await expectRefused(await api.send("GET", "/v1/customer", { key: api.adminKey }), 403, "FORBIDDEN");
    api.memory.faults.leader = "down";
    await expectRefused(await api.send("GET", "/v1/customer", { key: tenant.key }), 503, "SERVICE_UNAVAILABLE");
  });
});

describe("/v1/customer/stats", () => {
  const path = "/v1/customer/stats";

  async function read(query = "") {
    const api = await startApi();
    const { key } = await api.addCustomer();
    return api.send("GET", `${path}?${query}`, { key });
  }

  it("covers the last seven days by day, today included", async () => {
    const { buckets, by } = statisticsSchema.parse(await (await read()).json());
    expect([by, buckets.length, buckets[0]?.start, buckets[6]?.start]).toEqual([
      "day",
      7,
      "2025-12-26T00:00:00.000Z",
      iso(startedAt),
    ]);
  });

  it.each([
    ["by=day&to=2026-01-01T12:00:00Z", 7, "2025-12-26T00:00:00.000Z"],
    ["by=hour&from=2026-01-01&to=2026-01-02", 24, iso(startedAt)],
    ["by=hour&from=2026-01-01T23:30:00%2B00:00&to=2026-01-02T00:30:00Z", 2, "2026-01-01T23:00:00.000Z"],
    ["from=2025-01-01&to=2026-01-02", 366, "2025-01-01T00:00:00.000Z"],
  ])("of %s has %i buckets, also without workloads", async (query, count, first) => {
    const reply = await read(query);
    expect(reply.status).toBe(200);
    const { buckets } = statisticsSchema.strict().parse(await reply.json());
    expect(buckets).toHaveLength(count);
    expect(buckets[0]).toMatchObject({ start: first, submitted: 0, average_wait_seconds: null });
  });

  it("of types names those that there are", async () => {
    const reply = await read("by=type&from=2026-01-01&to=2026-01-02");
    expect(await reply.json()).toMatchObject({ by: "type", buckets: [] });
  });

  it.each([
    "by=week",
    "from=yesterday",
    "from=2026-01-02&to=2026-01-02",
    "from=2026-01-03&to=2026-01-02",
    "from=2025-01-01&to=2026-01-03",
    "from=1969-12-31&to=1970-01-02",
    "from=2026-01-01&from=2026-01-02",
    "since=2026-01-01",
  ])("refuses %s", async (query) => {
    await expectRefused(await read(query), 400, "INVALID_INPUT");
  });
});
