/** The queue by lines: what waits in one is never kept out of the window by what waits in another. */
import { describe, expect, test } from "vitest";
import type { QueueLine, StateStore } from "../../../functions/store/store.ts";
import type { Affinity } from "../../../schema/affinity.ts";
import type { CustomerId } from "../../../schema/ids.ts";
import { ids, newSubmission, scheduledOn, t0 } from "../../support/records.ts";
import type { GiveStore } from "../store.suite.ts";
import { apply, newLead, put } from "./leading.ts";

const many = (count: number, chosen: Parameters<typeof newSubmission>[0] = {}) =>
  Array.from({ length: count }, (_, rank) => newSubmission({ queueRank: rank, ...chosen }));
const typesOf = (lines: readonly QueueLine[]) => lines.map(({ ready }) => ready[0]?.workloadType);
const sizes = (lines: readonly QueueLine[]) => lines.map(({ ready }) => ready.length);
const onWorker = (worker_id = ids.worker()): Affinity => ({ hard_affinity: { worker_id } });

/** The first line of each page, from the beginning until the pages begin again. */
async function pages(store: StateStore, customerId: CustomerId, windowMax: number): Promise<(string | undefined)[][]> {
  const seen: (string | undefined)[][] = [];
  let window = await store.window(customerId, windowMax, t0);
  for (;;) {
    seen.push(typesOf(window.lines));
    if (window.nextPage === null) return seen;
    window = await store.window(customerId, windowMax, t0, window.nextPage);
  }
}

export function queueContract(give: GiveStore): void {
  describe("the lines of a queue", () => {
    test("share the window evenly, so that no type and no pool keeps another out (L1)", async () => {
      const { store, lead } = await newLead(give);
      const long = await put(store, lead, ...many(12));
      const [type] = await put(store, lead, ...many(1, { workloadType: "sleep", queueRank: 1_000 }));
      const [pool] = await put(store, lead, ...many(1, { pool: "other", queueRank: 1_000 }));
      const { lines, linesMore } = await store.window(lead.customerId, 12, t0);
      expect(linesMore).toBe(false);
      expect(lines).toEqual(
        expect.arrayContaining([
          { ready: long.slice(0, 4), more: true },
          { ready: [type], more: false },
          { ready: [pool], more: false },
        ]),
      );
    });

    test("tell workloads that are bound to workers from those that are not, and give those a window of their own", async () => {
      const { store, lead } = await newLead(give);
      const affinity = onWorker();
      const pinned = await put(store, lead, ...many(9, { affinity }));
      const away = await put(store, lead, ...many(2, { affinity: { anti_affinity: { workload_types: ["noop"] } } }));
      const free = await put(store, lead, ...many(5, { queueRank: 1_000 }));
      const [wishing] = await put(
        store,
        lead,
        newSubmission({ queueRank: 2_000, affinity: { soft_affinity: { worker_id: ids.worker() } } }),
      );
      const { lines } = await store.window(lead.customerId, 6, t0);
      expect(lines[0]).toEqual({ ready: [...free, wishing], more: false });
      expect(lines.slice(1)).toEqual(
        expect.arrayContaining([
          { ready: pinned.slice(0, 3), more: true },
          { ready: away, more: false },
        ]),
      );
      expect(lines.length).toBe(3);
    });

    test("are one for equal affinity, however it is written", async () => {
      const { store, lead } = await newLead(give);
      const tags = [
        { zone: "a", disk: "ssd" },
        { disk: "ssd", zone: "a" },
      ];
      for (const worker_tags of tags)
        await put(store, lead, newSubmission({ affinity: { soft_affinity: {}, hard_affinity: { worker_tags } } }));
      await put(store, lead, newSubmission({ affinity: {} }), newSubmission({ affinity: null }));
      expect(sizes((await store.window(lead.customerId, 10, t0)).lines)).toEqual([2, 2]);
    });

    test("come in pages when there are more than a window has room for, the first ones in every page", async () => {
      const { store, lead } = await newLead(give);
      const types = ["a", "b", "c", "d", "e", "f", "g"];
      await put(store, lead, ...types.map((workloadType) => newSubmission({ workloadType })));
      expect(await pages(store, lead.customerId, 4)).toEqual([
        ["a", "b", "c", "d"],
        ["a", "b", "e", "f"],
        ["a", "b", "g"],
      ]);
    });

    test("say while they are paged that there is more", async () => {
      const { store, lead } = await newLead(give);
      await put(store, lead, ...["a", "b", "c"].map((workloadType) => newSubmission({ workloadType })));
      const first = await store.window(lead.customerId, 2, t0);
      const second = await store.window(lead.customerId, 2, t0, first.nextPage);
      expect([first.linesMore, second.linesMore]).toEqual([true, true]);
      expect((await store.window(lead.customerId, 3, t0)).linesMore).toBe(false);
    });

    test("are read one by one by name, with what is due and no more than there is room for", async () => {
      const { store, lead } = await newLead(give);
      const affinity = onWorker();
      const [placed, ...free] = await put(store, lead, ...many(4));
      const pinned = await put(store, lead, ...many(2, { affinity }));
      await put(store, lead, newSubmission({ workloadType: "sleep", dueAt: t0 + 1 }), newSubmission({ pool: "other" }));
      if (placed === undefined) throw new Error("nothing was put");
      await apply(store, lead, [scheduledOn(placed)]);
      const name = { pool: "default", workloadType: "noop", affinity: null };
      const names = [name, { ...name, affinity }, { ...name, workloadType: "sleep" }];
      const lines = await store.lines(lead.customerId, names, 2, t0);
      expect(lines.length).toBe(2);
      expect(lines).toEqual(
        expect.arrayContaining([
          { ready: free.slice(0, 2), more: true },
          { ready: pinned, more: false },
        ]),
      );
      expect(await store.lines(lead.customerId, [], 2, t0)).toEqual([]);
    });
  });
}
