/** The audit trail and the log lines of a workload. */
import { describe, expect, it } from "vitest";
import type { AuditView } from "../../../functions/store/store.ts";
import { attemptListSchema } from "../../../schema/http/attempt.ts";
import { exampleIds } from "../../../schema/http/examples.ts";
import { auditTrailSchema, logPageSchema } from "../../../schema/http/workload.ts";
import { workloadIdSchema } from "../../../schema/ids.ts";
import {
  attemptsPageDefault,
  attemptsPageMax,
  auditEventsPageDefault,
  auditEventsPageMax,
} from "../../../schema/limits.ts";
import type { LogLevel } from "../../../schema/status.ts";
import { startApi } from "../../support/api-fixture.ts";
import { bodyOf, expectRefused } from "../../support/refused.ts";

/** One assignment after the other, of generation 1 to `count`. */
const placed = (count: number): AuditView[] =>
  Array.from({ length: count }, (_, at) => ({
    event_id: String(at + 2),
    event_type: "workload.scheduled",
    timestamp: "2026-01-01T00:00:00.000Z",
    actor_type: "coordinator",
    actor_id: "coordinator",
    generation: at + 1,
    details: { worker_id: exampleIds.worker },
  }));

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
    expect(trail).toMatchObject({ has_more: false, next_cursor: null });
  });

  it("are its audit events by page: a thousand, or as many as are asked for", async () => {
    const { api, tenant, get } = await setUp();
    const id = workloadIdSchema.parse(await api.submit(tenant));
    api.memory.trailOf(tenant.customerId, id).push(...placed(auditEventsPageMax));
    const path = `/v1/workloads/${id}/audit`;
    const ofPage = async (query: string) => bodyOf(await get(`${path}${query}`), auditTrailSchema.strict());
    expect((await ofPage("")).events).toHaveLength(auditEventsPageDefault);
    const first = await ofPage(`?limit=${auditEventsPageMax}`);
    expect(first).toMatchObject({ has_more: true, events: { length: auditEventsPageMax } });
    const rest = await ofPage(`?limit=1&cursor=${first.next_cursor}`);
    expect(rest).toMatchObject({ has_more: false, next_cursor: null, events: [{ generation: auditEventsPageMax }] });
  });

  it("are its attempts by page: a thousand, or as many as are asked for", async () => {
    const { api, tenant, get } = await setUp();
    const id = workloadIdSchema.parse(await api.submit(tenant));
    api.memory.trailOf(tenant.customerId, id).push(...placed(attemptsPageMax + 1));
    const path = `/v1/workloads/${id}/attempts`;
    const ofPage = async (query: string) => bodyOf(await get(`${path}${query}`), attemptListSchema.strict());
    expect((await ofPage("")).attempts).toHaveLength(attemptsPageDefault);
    const first = await ofPage(`?limit=${attemptsPageMax}`);
    expect(first).toMatchObject({ has_more: true, attempts: { length: attemptsPageMax } });
    const rest = await ofPage(`?limit=1&cursor=${first.next_cursor}`);
    expect(rest).toMatchObject({ has_more: false, next_cursor: null, attempts: [{ generation: attemptsPageMax + 1 }] });
  });

  it.each([
    ["audit", auditEventsPageMax],
    ["attempts", attemptsPageMax],
  ])("refuse queries of %s that are none with 400", async (what, limitMax) => {
    const { api, tenant, get } = await setUp();
    const id = await api.submit(tenant);
    for (const query of ["limit=0", `limit=${limitMax + 1}`, "limit=x", "limit=1&limit=1", "cursor=forged", "tail=1"])
      await expectRefused(await get(`/v1/workloads/${id}/${what}?${query}`), 400, "INVALID_INPUT");
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
    api.memory.addLogs(tenant.customerId, id, [line("info", "a"), line("debug", "b"), line("warn", "c")]);
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
