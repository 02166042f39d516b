/** GET /v1/workloads: pages, filters, and queries that are refused. */
import { describe, expect, it } from "vitest";
import { workloadListSchema } from "../../../schema/http/workload.ts";
import { startApi } from "../../support/api-fixture.ts";
import { bodyOf, expectRefused } from "../../support/refused.ts";

async function setUp() {
  const api = await startApi();
  const tenant = await api.addCustomer();
  const get = (path: string) => api.send("GET", path, { key: tenant.key });
  return { api, tenant, get };
}

describe("listing workloads", () => {
  it("pages by cursor over all of them, each once", async () => {
    const { api, tenant, get } = await setUp();
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.push(await api.submit(tenant));
    const seen: string[] = [];
    let path = "/v1/workloads?limit=2";
    for (;;) {
      const page = await bodyOf(await get(path), workloadListSchema);
      seen.push(...page.workloads.map(({ workload_id }) => workload_id));
      expect(page.pagination).toMatchObject({ limit: 2, offset: null, has_more: seen.length < 5 });
      if (page.pagination.next_cursor === null) break;
      path = `/v1/workloads?limit=2&cursor=${page.pagination.next_cursor}`;
    }
    expect(seen).toEqual(ids.reverse());
  });

  it("pages by offset, and counts only when it is asked to", async () => {
    const { api, tenant, get } = await setUp();
    for (let index = 0; index < 3; index++) await api.submit(tenant);
    const counted = await bodyOf(await get("/v1/workloads?offset=2&count=true"), workloadListSchema);
    expect(counted.workloads).toHaveLength(1);
    expect(counted.pagination).toEqual({ limit: 50, has_more: false, next_cursor: null, offset: 2, total: 3 });
    const plain = await bodyOf(await get("/v1/workloads"), workloadListSchema);
    expect(plain.pagination).not.toHaveProperty("total");
  });

  it("filters by status, type, and every one of several labels", async () => {
    const { api, tenant, get } = await setUp();
    const id = await api.submit(tenant, { labels: { run: "1", part: "a:b" } });
    await api.submit(tenant, { labels: { run: "1" } });
    const path = "/v1/workloads?status=PENDING&workload_type=noop&label=run:1&label=part:a:b";
    const { workloads } = await bodyOf(await get(path), workloadListSchema);
    expect(workloads.map(({ workload_id }) => workload_id)).toEqual([id]);
  });

  it("never shows another customer's", async () => {
    const { api, tenant, get } = await setUp();
    await api.submit(await api.addCustomer());
    const id = await api.submit(tenant);
    const { workloads } = await bodyOf(await get("/v1/workloads"), workloadListSchema);
    expect(workloads.map(({ workload_id }) => workload_id)).toEqual([id]);
  });

  it.each([
    "colour=red",
    "status=pending",
    "status=",
    "status=PENDING&status=running",
    "limit=0",
    "limit=101",
    "limit=-1",
    "limit=1e1",
    "limit=",
    "offset=100001",
    "offset=x",
    "cursor=forged",
    "cursor=at0&offset=1",
    "order_by=input_params",
    "count=yes",
    "created_after=yesterday",
    "created_after=0000-01-01T00:00:00Z",
    "created_before=9999-12-31T23:59:59-14:00",
    "created_before=2026-01-01T00:00:00Z&created_before=2026-01-01T00:00:00Z",
    "workload_type=%00",
    "label=a%00:b",
    "label=",
    "label=a:1&label=a:1&label=a:1&label=a:1&label=a:1&label=a:1&label=a:1&label=a:1&label=a:1",
    "__proto__=1",
    "__proto__[limit]=1",
    "constructor=1",
  ])("refuses ?%s with 400", async (query) => {
    const { get } = await setUp();
    await expectRefused(await get(`/v1/workloads?${query}`), 400, "INVALID_INPUT");
  });
});
