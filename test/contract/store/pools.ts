/** What a pool's scheduler asks and writes. */
import { describe, expect, test } from "vitest";
import type { WorkerRecord } from "../../../functions/store/store.ts";
import { completed, ids, newSubmission, scheduledOn, stepTo, t0 } from "../../support/records.ts";
import type { GiveStore } from "../store.suite.ts";
import { apply, newLead, putOne } from "./leading.ts";

const newPool = () => ids.message().replace("_", "-");

const newWorker = (pool: string): WorkerRecord => ({
  workerId: ids.worker(),
  pool,
  status: "HEALTHY",
  capabilities: ["noop", "sleep"],
  slots: 4,
  tags: { zone: "a" },
  version: "1.0.0",
});

export function poolContract(give: GiveStore): void {
  describe("a pool", () => {
    test("gives each leader a higher epoch, and refuses the workers of the one before", async () => {
      const { store } = give();
      const pool = newPool();
      const epoch = await store.leadPool(pool);
      const change = { worker: newWorker(pool), event: "worker.registered", details: {} } as const;
      expect(await store.putWorkers(pool, epoch, [change], t0)).toEqual({ kind: "written", value: null });
      expect(await store.leadPool(pool)).toBe(epoch + 1);
      expect(await store.putWorkers(pool, epoch, [change], t0)).toEqual({ kind: "not_leader" });
    });

    test("takes several words on one worker in one go", async () => {
      const { store } = give();
      const pool = newPool();
      const worker = newWorker(pool);
      const changes = [
        { worker, event: "worker.registered", details: {} },
        { worker: { ...worker, status: "DEAD" }, event: "worker.marked_dead", details: { lease_ms: 15_000 } },
      ] as const;
      expect((await store.putWorkers(pool, await store.leadPool(pool), changes, t0)).kind).toBe("written");
    });

    test("knows which customers exist, and is told of no others", async () => {
      const { store, lead } = await newLead(give);
      const another = await newLead(give);
      const invented = Array.from({ length: 3 }, () => ids.customer());
      const real = [lead.customerId, another.lead.customerId];
      expect([...(await store.known([...invented, ...real]))].sort()).toEqual(real.sort());
      expect(await store.known(invented)).toEqual([]);
    });

    test("knows the customers whose work in it is not over, paused work too", async () => {
      const { store } = give();
      const pool = newPool();
      const [waiting, running, paused, over, elsewhere] = await Promise.all(
        Array.from({ length: 5 }, () => newLead(give)),
      );
      if (!waiting || !running || !paused || !over || !elsewhere) throw new Error("five customers were made");
      await putOne(store, waiting.lead, newSubmission({ pool }));
      await putOne(store, elsewhere.lead);
      await apply(store, running.lead, [scheduledOn(await putOne(store, running.lead, newSubmission({ pool })))]);
      await apply(store, paused.lead, [stepTo(await putOne(store, paused.lead, newSubmission({ pool })), "PAUSED")]);
      await apply(store, over.lead, [completed(await putOne(store, over.lead, newSubmission({ pool })))]);
      const customers = [waiting, running, paused].map(({ lead }) => lead.customerId);
      expect([...(await store.customersWithWork(pool))].sort()).toEqual(customers.sort());
    });
  });
}
