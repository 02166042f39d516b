/** Submissions: all or none, once, and under their idempotency key. */
import { describe, expect, test } from "vitest";
import { StoreRejected } from "../../../functions/store/store.ts";
import { batchItemsMax, idempotencyKeyHoursDefault } from "../../../schema/limits.ts";
import { auditEntry, groupOf, ids, newSubmission, newWorkload, t0 } from "../../support/records.ts";
import type { GiveStore } from "../store.suite.ts";
import { eventTypes, granted, newLead, put, putOne } from "./leading.ts";

const idOf = ({ workload }: { workload: { workloadId: string } }) => workload.workloadId;
const keyMs = idempotencyKeyHoursDefault * 3_600_000;

export function insertContract(give: GiveStore): void {
  describe("inserting submissions", () => {
    test("stores every field, and gives it back as it came", async () => {
      const { store, lead } = await newLead(give);
      const workload = newWorkload({
        status: "SCHEDULED",
        generation: 1,
        priority: 0,
        queueRank: -5,
        dueAt: t0 - 1,
        workerId: ids.worker(),
        lastWorkerId: ids.worker(),
        affinity: { hard_affinity: { worker_tags: { gpu: "yes" } } },
        scheduledAt: t0 + 7,
        policy: {
          maxRetries: 0,
          retryBaseMs: 1,
          retryCapMs: 2,
          timeoutSeconds: 3,
          checkpointIntervalSec: 0,
          checkpointProgressPercent: 0,
        },
      });
      await put(store, lead, newSubmission(workload));
      expect(await store.find(lead.customerId, [workload.workloadId])).toEqual([workload]);
    });

    test.for([["123"], ["null"], [null], [false], [0], [[]], [{ "a'b": ['"', "\\", "é😀", { x: 1.5 }] }]])(
      "keeps the input %j as it is",
      async ([input = null]) => {
        const { store, lead } = await newLead(give);
        const workload = await putOne(store, lead, newSubmission({}, { input }));
        expect((await store.workload(lead.customerId, workload.workloadId))?.input_params).toEqual(input);
      },
    );

    test("stores a full batch in one go, with the audit rows of each in their order", async () => {
      const { store, lead } = await newLead(give);
      const audit = [auditEntry("workload.created"), auditEntry("workload.scheduled")];
      const submissions = Array.from({ length: batchItemsMax }, () => newSubmission({}, { audit }));
      await put(store, lead, ...submissions);
      const stored = await store.find(
        lead.customerId,
        submissions.map(({ workload }) => workload.workloadId),
      );
      expect(stored.length).toBe(batchItemsMax);
      for (const { workload } of [submissions.at(0), submissions.at(-1)].flatMap((one) => one ?? [])) {
        expect(await eventTypes(store, lead, workload.workloadId)).toEqual(["workload.created", "workload.scheduled"]);
      }
    });

    test("changes nothing when the same insert comes again after an unknown outcome", async () => {
      const { store, lead } = await newLead(give);
      const groups = [groupOf([newSubmission()]), groupOf([newSubmission(), newSubmission()], ids.message())];
      const first = await store.insert(lead, groups, t0);
      expect(await store.insert(lead, groups, t0 + 1)).toEqual(first);
      expect(first).toEqual({ kind: "written", value: [{ kind: "created" }, { kind: "created" }] });
      for (const id of groups.flatMap((group) => group.submissions).map(({ workload }) => workload.workloadId)) {
        expect(await eventTypes(store, lead, id)).toEqual(["workload.created"]);
      }
    });

    test("answers a key that came before with the workloads it made, and makes none", async () => {
      const { store, lead } = await newLead(give);
      const first = [newSubmission({}, { runAt: t0 + 1_000 }), newSubmission()];
      const again = [newSubmission(), newSubmission()];
      await store.insert(lead, [groupOf(first, "k")], t0);
      expect(granted(await store.insert(lead, [groupOf(again, "k"), groupOf([newSubmission()])], t0 + 1))).toEqual([
        {
          kind: "replayed",
          submitted: [
            { workloadId: first[0]?.workload.workloadId, createdAt: t0, runAt: t0 + 1_000 },
            { workloadId: first[1]?.workload.workloadId, createdAt: t0, runAt: null },
          ],
        },
        { kind: "created" },
      ]);
      expect(
        await store.find(
          lead.customerId,
          again.map(({ workload }) => workload.workloadId),
        ),
      ).toEqual([]);
    });

    test("says what a key stands for, until it is too old", async () => {
      const { store, lead } = await newLead(give);
      const first = newSubmission();
      await store.insert(lead, [groupOf([first], "k", "one")], t0);
      const ask = (key: string, bodySha256: string, now: number) =>
        store.submittedUnder(lead.customerId, { key, bodySha256 }, now);
      const submitted = [{ workloadId: first.workload.workloadId, createdAt: t0, runAt: null }];
      expect(await ask("k", "one", t0 + keyMs - 1)).toEqual({ kind: "replayed", submitted });
      expect(await ask("k", "two", t0)).toEqual({ kind: "conflict" });
      expect(await ask("k", "one", t0 + keyMs)).toBeNull();
      expect(await ask("other", "one", t0)).toBeNull();
    });

    test("refuses a key that comes with another body", async () => {
      const { store, lead } = await newLead(give);
      await store.insert(lead, [groupOf([newSubmission()], "k", "one")], t0);
      const other = newSubmission();
      expect(granted(await store.insert(lead, [groupOf([other], "k", "two")], t0))).toEqual([{ kind: "conflict" }]);
      expect(await store.find(lead.customerId, [other.workload.workloadId])).toEqual([]);
    });

    test("treats the second use of a key in one insert like any later use", async () => {
      const { store, lead } = await newLead(give);
      const [one, two, three] = [newSubmission(), newSubmission(), newSubmission()];
      const groups = [groupOf([one], "k"), groupOf([two], "k"), groupOf([three], "k", "other")];
      const outcomes = granted(await store.insert(lead, groups, t0));
      expect(outcomes.map(({ kind }) => kind)).toEqual(["created", "replayed", "conflict"]);
    });

    test("lets one of two inserts with the same key win when they come at once", async () => {
      const { store, lead } = await newLead(give);
      const [one, two] = [newSubmission(), newSubmission()];
      const both = await Promise.all([one, two].map((it) => store.insert(lead, [groupOf([it], "k")], t0)));
      expect(
        both
          .flatMap(granted)
          .map(({ kind }) => kind)
          .sort(),
      ).toEqual(["created", "replayed"]);
      expect(
        (
          await store.find(
            lead.customerId,
            [one, two].map(({ workload }) => workload.workloadId),
          )
        ).length,
      ).toBe(1);
    });

    test("counts a key as absent when its time is over", async () => {
      const { store, lead } = await newLead(give);
      const late = newSubmission();
      await store.insert(lead, [groupOf([newSubmission()], "k", "one")], t0);
      const young = await store.insert(lead, [groupOf([newSubmission()], "k", "two")], t0 + keyMs - 1);
      expect(granted(young)).toEqual([{ kind: "conflict" }]);
      const outcome = await store.insert(lead, [groupOf([late], "k", "two")], t0 + keyMs);
      expect(granted(outcome)).toEqual([{ kind: "created" }]);
      const again = await store.insert(lead, [groupOf([newSubmission()], "k", "two")], t0 + keyMs + 1);
      expect(granted(again)).toMatchObject([{ kind: "replayed", submitted: [{ workloadId: idOf(late) }] }]);
    });

    test("keeps the keys of two customers apart", async () => {
      const [a, b] = [await newLead(give), await newLead(give)];
      for (const { store, lead } of [a, b]) {
        expect(granted(await store.insert(lead, [groupOf([newSubmission()], "k")], t0))).toEqual([{ kind: "created" }]);
      }
    });

    test.for(["a NUL \u0000 in it", "half a pair \ud800 in it"])(
      "refuses %j for good, and stores none of the batch",
      async (text) => {
        const { store, lead } = await newLead(give);
        const [good, bad] = [newSubmission(), newSubmission({}, { input: { text } })];
        await expect(store.insert(lead, [groupOf([good, bad])], t0)).rejects.toBeInstanceOf(StoreRejected);
        expect(await store.find(lead.customerId, [good.workload.workloadId])).toEqual([]);
      },
    );

    test("refuses a held workload without a worker (I4)", async () => {
      const { store, lead } = await newLead(give);
      const insert = store.insert(lead, [groupOf([newSubmission({ status: "SCHEDULED" })])], t0);
      await expect(insert).rejects.toBeInstanceOf(StoreRejected);
    });
  });
}
