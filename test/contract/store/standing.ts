/** What explains a workload, and lists its checkpoints and the workers: each customer its own, exactly. */
import { describe, expect, test } from "vitest";
import type { WorkerRecord } from "../../../functions/store/store.ts";
import { ids, inlineCheckpoint, newSubmission, stepTo, t0 } from "../../support/records.ts";
import type { GiveStore } from "../store.suite.ts";
import { apply, newLead, put, putOne, putRunning } from "./leading.ts";

export function standingContract(give: GiveStore): void {
  describe("the standing of a workload", () => {
    test("counts those that are due and stand before it, whatever line they wait in, and apart those of its own line", async () => {
      const { store, lead } = await newLead(give);
      const other = await newLead(give);
      await putOne(other.store, other.lead, newSubmission({ queueRank: 1 }));
      const hard = { hard_affinity: { worker_tags: { zone: "a" } } };
      const rank = (queueRank: number, more = {}) => newSubmission({ queueRank, ...more });
      const [first, same, asked, tie] = await put(
        store,
        lead,
        rank(10, { workloadType: "sleep" }),
        rank(20, { affinity: hard, pool: "gpu" }),
        rank(20),
        rank(20),
        rank(30),
        rank(5, { dueAt: t0 + 1_000 }),
      );
      if (!first || !same || !asked || !tie) throw new Error("they were put");
      const ahead = (workload: typeof asked, now = t0) => store.ahead(lead.customerId, workload, now);
      expect(await ahead(first)).toEqual({ inAll: 0, inLine: 0 });
      expect(await ahead(asked)).toEqual({ inAll: 2, inLine: 0 });
      expect(await ahead(tie)).toEqual({ inAll: 3, inLine: 1 });
      expect(await ahead({ ...same, queueRank: 21 })).toEqual({ inAll: 4, inLine: 1 });
      expect(await ahead(asked, t0 + 1_000)).toEqual({ inAll: 3, inLine: 1 });
      await apply(store, lead, [stepTo(first, "PAUSED")]);
      expect(await ahead(asked)).toEqual({ inAll: 1, inLine: 0 });
    });

    test("recalls the newest event of a type, of its own customer only", async () => {
      const { store, lead } = await newLead(give);
      const other = await newLead(give);
      const workload = await putOne(store, lead);
      const { workloadId } = workload;
      const change = stepTo(workload, "PAUSED");
      const actor = { type: "user", id: "key_2" } as const;
      const entry = {
        eventType: "workload.paused",
        actor,
        generation: 3,
        at: t0 + 5,
        details: { reason: "b" },
      } as const;
      const audit = [{ ...entry, at: t0 + 4, details: { reason: "a" } }, entry];
      await apply(store, lead, [{ ...change, audit }]);
      const { eventType, generation, at, details } = entry;
      expect(await store.lastEvent(lead.customerId, workloadId, "workload.paused")).toEqual({
        ...{ eventType, generation, actor, at, details },
      });
      expect(await store.lastEvent(lead.customerId, workloadId, "workload.failed")).toBeNull();
      expect(await store.lastEvent(other.lead.customerId, workloadId, "workload.paused")).toBeNull();
    });

    test("lists its checkpoints newest first, without their bytes, to its own customer only", async () => {
      const { store, lead } = await newLead(give);
      const other = await newLead(give);
      const workload = await putRunning(store, lead);
      const { workloadId } = workload;
      expect(await store.checkpoints(lead.customerId, workloadId)).toEqual([]);
      const [one, two] = [await inlineCheckpoint(1, "a"), await inlineCheckpoint(2, "bcd")];
      await apply(store, lead, [stepTo(workload, "RUNNING", { checkpointSequence: 2 }, { checkpoints: [one, two] })]);
      const listed = await store.checkpoints(lead.customerId, workloadId);
      expect(listed).toMatchObject([
        { sequence: 2, size_bytes: 3, generation: workload.generation },
        { sequence: 1, size_bytes: 1, generation: workload.generation },
      ]);
      expect(Object.keys(listed?.[0] ?? {}).sort()).toEqual(["created_at", "generation", "sequence", "size_bytes"]);
      expect(Date.parse(listed?.[0]?.created_at ?? "")).toBeGreaterThanOrEqual(t0);
      expect(await store.checkpoints(other.lead.customerId, workloadId)).toBeNull();
    });
  });

  describe("the rows of workers", () => {
    const worker = (pool: string, given: Partial<WorkerRecord> = {}): WorkerRecord => ({
      ...{ workerId: ids.worker(), pool, status: "HEALTHY", capabilities: ["noop"], slots: 4, tags: {}, version: "1" },
      ...given,
    });

    test("are listed newest id first, by what is asked, and remember when each registered", async () => {
      const { store } = give();
      const pool = ids.message().replace("_", "-");
      const epoch = await store.leadPool(pool);
      const [first, second, third] = [worker(pool), worker(pool, { status: "DEAD" }), worker(pool)];
      const write = (records: WorkerRecord[], at: number) =>
        store.putWorkers(
          pool,
          epoch,
          records.map((record) => ({ worker: record, event: null, details: {} })),
          at,
        );
      await write([first, second, third], t0);
      await write([{ ...first, status: "REMOVED" }], t0 + 9);
      const found = await store.workers({ pool, limit: 9 });
      expect(found.map(({ workerId }) => workerId)).toEqual([third, second, first].map(({ workerId }) => workerId));
      expect(found.at(-1)).toEqual({ ...first, status: "REMOVED", registeredAt: t0, updatedAt: t0 + 9 });
      const idsOf = async (asked: Partial<Parameters<typeof store.workers>[0]>) =>
        (await store.workers({ pool, limit: 9, ...asked })).map(({ workerId }) => workerId);
      expect(await idsOf({ limit: 1 })).toEqual([third.workerId]);
      expect(await idsOf({ before: third.workerId, limit: 1 })).toEqual([second.workerId]);
      expect(await idsOf({ statuses: ["DEAD", "REMOVED"] })).toEqual([second.workerId, first.workerId]);
      expect(await idsOf({ except: [third.workerId, first.workerId] })).toEqual([second.workerId]);
      expect(await store.workers({ ids: [first.workerId], limit: 9 })).toMatchObject([{ workerId: first.workerId }]);
      expect(await idsOf({ pool: "nowhere" })).toEqual([]);
    });
  });
}
