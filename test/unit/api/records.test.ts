/** The audit trail and the log lines of a workload. */
import { describe, expect, it } from "vitest";
import { auditTrailSchema, logPageSchema } from "../../../schema/http/workload.ts";
import { workloadIdSchema } from "../../../schema/ids.ts";
import type { LogLevel } from "../../../schema/status.ts";
import { startApi } from "../../support/api-fixture.ts";
import { bodyOf, expectRefused } from "../../support/refused.ts";

async function setUp() {
  const api = await startApi();
  const tenant = await api.addCustomer();
  const get = (path: string) => api.send("GET", path, { key: tenant.key });
  return { api, tenant, get };
}

describe("the records of a workload", () => {
  it("are its audit events in order", async () => {
    const { api, tenant, get } = await setUp();
    const id = await api.submit(tenant);
    const trail = await bodyOf(await get(`/v1/workloads/${id}/audit`), auditTrailSchema.strict());
    expect(trail).toMatchObject({ workload_id: id, events: [{ event_type: "workload.created", generation: 0 }] });
  });

  it("are its log lines, by level and page", async () => {
    const { api, tenant, get } = await setUp();
    const id = workloadIdSchema.parse(await api.submit(tenant));
    const line = (level: LogLevel, message: string) => ({
      timestamp: "2026-01-01T00:00:00.000Z",
      level,
      message,
      generation: 1,
      details: null,
    });
    api.memory.addLogs(tenant.customerId, id, [line("info", "a"), line("warn", "b"), line("info", "c")]);
    const first = await bodyOf(await get(`/v1/workloads/${id}/logs?level=info&limit=1`), logPageSchema.strict());
    expect(first).toMatchObject({ logs: [{ message: "a" }], has_more: true });
    const next = await get(`/v1/workloads/${id}/logs?level=info&limit=1&cursor=${first.next_cursor}`);
    expect(await bodyOf(next, logPageSchema)).toMatchObject({ logs: [{ message: "c" }], has_more: false });
  });

  it.each([
    "level=loud",
    "limit=0",
    "limit=1001",
    "since=x",
    "until=0000-01-01T00:00:00Z",
    "cursor=forged",
    "tail=1",
    "level=info&level=warn",
  ])("refuses ?%s with 400", async (query) => {
    const { api, tenant, get } = await setUp();
    const id = await api.submit(tenant);
    await expectRefused(await get(`/v1/workloads/${id}/logs?${query}`), 400, "INVALID_INPUT");
  });
});
