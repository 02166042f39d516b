/** Leadership: one at a time, and a beginner sees everything that its predecessors wrote. */
import { describe, expect, test } from "vitest";
import { ids, newSubmission, scheduledOn, stepTo, t0 } from "../../support/records.ts";
import type { GiveStore } from "../store.suite.ts";
import { apply, eventTypes, granted, newLead, put, putOne, windowMax } from "./leading.ts";

export function leadContract(give: GiveStore): void {
  describe("leading a customer", () => {
    test("has no state for a customer that does not exist", async () => {
      expect(await give().store.lead(ids.customer(), windowMax, t0)).toBeNull();
    });

    test("gives each leader a higher epoch", async () => {
      const { store, lead } = await newLead(give);
      const next = await store.lead(lead.customerId, windowMax, t0);
      expect(next?.lead.epoch).toBe(lead.epoch + 1);
    });

    test("knows the customer's tier and limits, overrides first", async () => {
      const { store, newCustomer } = give();
      const state = await store.lead(await newCustomer({ runningMax: 7 }), windowMax, t0);
      expect(state?.customer).toMatchObject({ tier: "standard", suspended: false });
      expect(state?.customer.limits).toMatchObject({ runningMax: 7, queueDepthMax: 500 });
    });

    test("refuses every write of a leader that was replaced, and changes nothing", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putOne(store, lead);
      const placed = scheduledOn(workload);
      await store.lead(lead.customerId, windowMax, t0);
      const late = newSubmission();
      expect(await store.insert(lead, [{ submissions: [late], idempotency: null }], t0)).toEqual({
        kind: "not_leader",
      });
      const line = { line: 1, timestamp: new Date(t0).toISOString(), level: "info", message: "late" } as const;
      const logs = [{ workloadId: workload.workloadId, generation: 0, lines: [line] }];
      expect(await store.apply(lead, [placed], logs, t0)).toEqual({ kind: "not_leader" });
      expect(await store.find(lead.customerId, [workload.workloadId, late.workload.workloadId])).toEqual([workload]);
      expect(await eventTypes(store, lead, workload.workloadId)).toHaveLength(1);
      expect(await store.logs(lead.customerId, workload.workloadId, { limit: 10 })).toMatchObject({ items: [] });
    });

    test("reads what holds a slot, what waits in order of rank, and what is due later in order of time", async () => {
      const { store, lead } = await newLead(give);
      const [placed, second, first, later, soon, due] = await put(
        store,
        lead,
        newSubmission(),
        newSubmission({ queueRank: 20 }),
        newSubmission({ queueRank: 10 }),
        newSubmission({ dueAt: t0 + 2_000 }),
        newSubmission({ dueAt: t0 + 1_000 }),
        newSubmission({ dueAt: t0, queueRank: 30 }),
      );
      if (placed === undefined) throw new Error("nothing was put");
      const change = scheduledOn(placed);
      await apply(store, lead, [change]);
      const state = await store.lead(lead.customerId, windowMax, t0);
      expect(state?.held).toEqual([change.next]);
      expect(state?.queue).toEqual({
        lines: [{ ready: [first, second, due], more: false }],
        linesMore: false,
        nextPage: null,
        delayed: [soon, later],
        delayedMore: false,
      });
      expect(state?.queuedCount).toBe(5);
    });

    test("says when a window leaves workloads out, and gives no more than it was asked for", async () => {
      const { store, lead } = await newLead(give);
      await put(store, lead, newSubmission(), newSubmission(), newSubmission({ dueAt: t0 + 1 }));
      const window = await store.window(lead.customerId, 1, t0);
      expect(window).toMatchObject({ lines: [{ more: true }], linesMore: false, delayedMore: false });
      expect(window.lines.map(({ ready }) => ready.length)).toEqual([1]);
      expect(window.delayed.length).toBe(1);
    });

    test("keeps workloads that are to be redistributed in the queue, whenever they were due", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putOne(store, lead);
      const placed = scheduledOn(workload);
      const lost = stepTo(placed.next, "REDISTRIBUTING", { workerId: null, dueAt: t0 + 60_000 });
      await apply(store, lead, [placed, lost]);
      expect((await store.window(lead.customerId, 10, t0)).lines).toEqual([{ ready: [lost.next], more: false }]);
    });

    test("finds workloads in any status, and leaves out what is not there", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putOne(store, lead);
      expect(await store.find(lead.customerId, [ids.workload(), workload.workloadId])).toEqual([workload]);
      expect(await store.find(lead.customerId, [])).toEqual([]);
    });

    test("counts the same as a recount, whatever happened (I21)", async () => {
      const { store, lead } = await newLead(give);
      const all = await put(store, lead, ...Array.from({ length: 9 }, () => newSubmission()));
      const placed = all.slice(0, 5).map((workload) => scheduledOn(workload));
      await apply(store, lead, placed);
      const cancelled = placed
        .slice(0, 2)
        .map(({ next }) => stepTo(next, "CANCELLED", { workerId: null, completedAt: t0 }));
      const lost = placed.slice(2, 3).map(({ next }) => stepTo(next, "REDISTRIBUTING", { workerId: null }));
      await apply(store, lead, [...cancelled, ...lost]);
      const state = await store.lead(lead.customerId, windowMax, t0);
      const now = await store.find(
        lead.customerId,
        all.map(({ workloadId }) => workloadId),
      );
      const recount = (...statuses: string[]) => now.filter(({ status }) => statuses.includes(status)).length;
      expect(state?.queuedCount).toBe(recount("PENDING", "REDISTRIBUTING"));
      expect(state?.held.length).toBe(recount("SCHEDULED", "RUNNING"));
      expect(recount("CANCELLED")).toBe(2);
    });

    test("writes again under the newest epoch", async () => {
      const { store, lead } = await newLead(give);
      const state = await store.lead(lead.customerId, windowMax, t0);
      if (state === null) throw new Error("the customer is gone");
      expect(granted(await store.insert(state.lead, [], t0))).toEqual([]);
      await putOne(store, state.lead);
      expect(await store.insert(lead, [{ submissions: [newSubmission()], idempotency: null }], t0)).toEqual({
        kind: "not_leader",
      });
    });
  });
}
