/** Doing something to many workloads at once: what names none of them spoils nothing for the others. */
import { describe, expect, it } from "vitest";
import { operatedSchema } from "../../../schema/http/operation.ts";
import { startPosting } from "../../support/api-fixture.ts";
import { bodyOf, expectRefused } from "../../support/refused.ts";

describe("cancelling many workloads", () => {
  it("answers each for itself, also what is no id at all", async () => {
    const { api, tenant, post } = await startPosting("/v1/workloads/batch/cancel");
    const id = await api.submit(tenant);
    const operated = await bodyOf(await post({ ids: [id, "junk", id] }), operatedSchema);
    expect(operated.count).toBe(1);
    expect(operated.operations).toMatchObject([
      { workload_id: id, outcome: "done", status: "CANCELLED", error: null },
      { workload_id: "junk", outcome: "refused", status: null, error: { code: "NOT_FOUND" } },
    ]);
  });

  it.each([{ status: "PENDING" }, { status: ["PENDING", "RUNNING"] }, { label: "run:1" }, { label: ["run:1"] }])(
    "takes one or a list in a filter: %j",
    async (filter) => {
      const { api, tenant, post } = await startPosting("/v1/workloads/batch/cancel");
      const id = await api.submit(tenant, { labels: { run: "1" } });
      const operated = await bodyOf(await post({ filter }), operatedSchema);
      expect(operated.operations).toMatchObject([{ workload_id: id, outcome: "done" }]);
    },
  );

  it.each([
    {},
    { filter: {} },
    { ids: [] },
    { ids: ["wl_1"], filter: { status: "PENDING" } },
    { filter: { status: [] } },
  ])("refuses what says nothing, or two things at once: %j", async (body) => {
    const { post } = await startPosting("/v1/workloads/batch/cancel");
    await expectRefused(await post(body), 400, "INVALID_INPUT");
  });
});
