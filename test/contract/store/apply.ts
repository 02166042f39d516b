/** Decided steps: applied where the row is as it was decided on, with one audit row each, or not at all. */
import { describe, expect, test } from "vitest";
import type { LogBatch } from "../../../functions/store/store.ts";
import { StoreRejected } from "../../../functions/store/store.ts";
import type { WorkloadId } from "../../../schema/ids.ts";
import { batchItemsMax } from "../../../schema/limits.ts";
import type { LogLevel } from "../../../schema/status.ts";
import { wholeTrail } from "../../support/pages.ts";
import { auditEntry, completed, ids, newSubmission, scheduledOn, started, stepTo, t0 } from "../../support/records.ts";
import type { GiveStore } from "../store.suite.ts";
import { apply, eventTypes, found, newLead, put, putOne, putRunning } from "./leading.ts";

const linesOf = (workloadId: WorkloadId, generation: number, ...lines: number[]): LogBatch => ({
  workloadId,
  generation,
  lines: lines.map((line) => ({
    line,
    timestamp: new Date(t0 + line).toISOString(),
    level: "info",
    message: `line ${line}`,
  })),
});

export function applyContract(give: GiveStore): void {
  describe("applying changes", () => {
    test("gives the input of what becomes SCHEDULED", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putOne(store, lead, newSubmission({}, { input: "12" }));
      const placed = scheduledOn(workload);
      expect(await apply(store, lead, [placed])).toEqual({
        missed: [],
        scheduled: [{ workloadId: workload.workloadId, input: "12", checkpoint: null }],
        brokenCheckpoints: [],
      });
      expect(await found(store, lead, workload.workloadId)).toEqual(placed.next);
    });

    test("writes nothing of a change whose generation or status is over, and says so", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      const stale = completed({ ...workload, generation: 0 });
      const astray = completed({ ...workload, status: "SCHEDULED" });
      const unknown = completed({ ...workload, workloadId: ids.workload() });
      const before = await eventTypes(store, lead, workload.workloadId);
      expect((await apply(store, lead, [stale])).missed).toEqual([workload.workloadId]);
      expect((await apply(store, lead, [astray, unknown])).missed.length).toBe(2);
      expect(await found(store, lead, workload.workloadId)).toEqual(workload);
      expect(await eventTypes(store, lead, workload.workloadId)).toEqual(before);
    });

    test("applies the rest of a batch when one change is missed", async () => {
      const { store, lead } = await newLead(give);
      const [one, two] = [await putRunning(store, lead), await putRunning(store, lead)];
      const applied = await apply(store, lead, [completed({ ...one, generation: 9 }), completed(two)]);
      expect(applied.missed).toEqual([one.workloadId]);
      expect((await found(store, lead, two.workloadId))?.status).toBe("COMPLETED");
    });

    test("ends a workload once: the same completion again is missed, and the result stays", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      await apply(store, lead, [completed(workload, { result: { n: 1 } })]);
      expect((await apply(store, lead, [completed(workload, { result: { n: 2 } })])).missed.length).toBe(1);
      const view = await store.workload(lead.customerId, workload.workloadId);
      expect(view).toMatchObject({ status: "COMPLETED", result_data: { n: 1 }, error: null, worker_id: null });
    });

    test("writes the audit rows of a change in their order, exactly once", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putOne(store, lead);
      const placed = scheduledOn(workload);
      const audit = [auditEntry("workload.started"), auditEntry("workload.completed", { details: { a: [1] } })];
      const ended = stepTo(placed.next, "COMPLETED", { workerId: null, completedAt: t0 }, { audit });
      await apply(store, lead, [placed]);
      await apply(store, lead, [ended]);
      expect(await wholeTrail(store, lead.customerId, workload.workloadId)).toMatchObject([
        { event_type: "workload.created" },
        { event_type: "workload.scheduled", generation: 1 },
        { event_type: "workload.started" },
        { event_type: "workload.completed", details: { a: [1] }, timestamp: new Date(t0).toISOString() },
      ]);
    });

    test("applies two changes of one workload one after the other", async () => {
      const { store, lead } = await newLead(give);
      const placed = scheduledOn(await putOne(store, lead));
      const running = started(placed.next);
      expect((await apply(store, lead, [placed, running])).missed).toEqual([]);
      expect(await found(store, lead, placed.next.workloadId)).toEqual(running.next);
    });

    test("shows the last error while a workload is tried again, and clears it when it completes", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      const error = { type: "TIMEOUT", message: "too slow" };
      const again = stepTo(workload, "PENDING", { workerId: null, retryCount: 1, dueAt: t0 }, { error });
      await apply(store, lead, [again]);
      const errorNow = async () => (await store.workload(lead.customerId, workload.workloadId))?.error;
      expect(await errorNow()).toEqual(error);
      const placed = scheduledOn(again.next);
      await apply(store, lead, [placed]);
      expect(await errorNow()).toEqual(error);
      await apply(store, lead, [completed(placed.next)]);
      expect(await errorNow()).toBeNull();
    });

    test("takes a thousand changes in one go", async () => {
      const { store, lead } = await newLead(give);
      const all = await put(store, lead, ...Array.from({ length: batchItemsMax }, () => newSubmission()));
      const placed = all.map((workload) => scheduledOn(workload));
      const applied = await apply(store, lead, placed);
      expect(applied.scheduled.length).toBe(batchItemsMax);
      expect(applied.missed).toEqual([]);
      await apply(
        store,
        lead,
        placed.map(({ next }) => completed(next)),
      );
      const page = await store.list(lead.customerId, {
        limit: 1,
        order_by: "created_at",
        status: ["COMPLETED"],
        count: "true",
      });
      expect(page).toMatchObject({ total: batchItemsMax });
    });

    test("changes nothing at all when one row of a batch cannot be stored", async () => {
      const { store, lead } = await newLead(give);
      const [one, two] = [await putRunning(store, lead), await putRunning(store, lead)];
      const bad = completed(two, { result: { text: "\u0000" } });
      await expect(apply(store, lead, [completed(one), bad])).rejects.toBeInstanceOf(StoreRejected);
      expect((await found(store, lead, one.workloadId))?.status).toBe("RUNNING");
    });

    test("does not touch another customer's workload", async () => {
      const [mine, other] = [await newLead(give), await newLead(give)];
      const workload = await putRunning(other.store, other.lead);
      expect((await apply(mine.store, mine.lead, [completed(workload)])).missed).toEqual([workload.workloadId]);
      expect(await found(other.store, other.lead, workload.workloadId)).toEqual(workload);
    });

    test("stores log lines of the current generation, each once", async () => {
      const { store, lead } = await newLead(give);
      const { workloadId } = await putRunning(store, lead);
      await apply(store, lead, [], [linesOf(workloadId, 1, 1, 2)]);
      await apply(
        store,
        lead,
        [],
        [linesOf(workloadId, 1, 2, 3), linesOf(workloadId, 0, 1), linesOf(ids.workload(), 1, 1)],
      );
      const logs = await store.logs(lead.customerId, workloadId, { limit: 10 });
      expect(logs).toMatchObject({ items: [1, 2, 3].map((line) => ({ message: `line ${line}`, generation: 1 })) });
    });

    test("stores the lines that came with the end of their attempt", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      const back = stepTo(workload, "PENDING", { workerId: null, generation: 2 });
      await apply(store, lead, [back], [linesOf(workload.workloadId, 1, 1)]);
      await apply(store, lead, [], [linesOf(workload.workloadId, 1, 2)]);
      expect(await store.logs(lead.customerId, workload.workloadId, { limit: 10 })).toMatchObject({
        items: [{ message: "line 1" }],
      });
    });

    test.for<LogLevel>(["trace", "fatal"])("stores lines of level %s", async (level) => {
      const { store, lead } = await newLead(give);
      const { workloadId } = await putRunning(store, lead);
      const line = { line: 1, timestamp: new Date(t0).toISOString(), level, message: "m", details: { n: 1 } };
      await apply(store, lead, [], [{ workloadId, generation: 1, lines: [line] }]);
      expect(await store.logs(lead.customerId, workloadId, { limit: 1 })).toMatchObject({
        items: [{ level, details: { n: 1 }, timestamp: new Date(t0).toISOString() }],
        hasMore: false,
      });
    });
  });
}
