/** What clients read: their own, in order, page by page. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Workload } from "../../../functions/domain/workload.ts";
import type { ListQuery, LogQuery } from "../../../schema/http/workload.ts";
import { workloadViewSchema } from "../../../schema/http/workload.ts";
import { isHeld, isTerminal, type LogLevel, workloadStatuses } from "../../../schema/status.ts";
import { ids, newSubmission, newWorkload, stepTo, t0 } from "../../support/records.ts";
import type { GiveStore } from "../store.suite.ts";
import { apply, newLead, put, putOne, putRunning } from "./leading.ts";

const asked = (chosen: Partial<ListQuery> = {}): ListQuery => ({ limit: 50, order_by: "created_at", ...chosen });
const iso = (at: number) => new Date(at).toISOString();

/** In turn of each status, and of three priorities. */
function inStatus(at: number): Workload {
  const status = workloadStatuses[at % workloadStatuses.length] ?? "PENDING";
  return newWorkload({
    status,
    priority: at % 3,
    workerId: isHeld(status) ? ids.worker() : null,
    completedAt: isTerminal(status) ? t0 : null,
  });
}

export function readContract(give: GiveStore): void {
  /** The ids of all pages, in order. */
  async function idsOfPages(customer: Awaited<ReturnType<typeof newLead>>, query: ListQuery): Promise<string[]> {
    const page = await customer.store.list(customer.lead.customerId, query);
    if (page === "bad_cursor") throw new Error("the store does not know its own cursor");
    const here = page.items.map(({ workload_id }) => workload_id);
    expect(page.hasMore).toBe(page.nextCursor !== null);
    if (page.nextCursor === null) return here;
    return [...here, ...(await idsOfPages(customer, { ...query, cursor: page.nextCursor }))];
  }

  describe("reading", () => {
    test("shows a workload in the shape of the API", async () => {
      const { store, lead } = await newLead(give);
      const affinity = { soft_affinity: { worker_tags: { zone: "b" } } };
      const submission = newSubmission({ affinity }, { labels: { team: "x" }, runAt: t0 + 1, input: [1] });
      const { workloadId } = await putOne(store, lead, submission);
      const view = await store.workload(lead.customerId, workloadId);
      expect(workloadViewSchema.parse(view)).toEqual(view);
      expect(view).toMatchObject({
        customer_id: lead.customerId,
        status: "PENDING",
        labels: { team: "x" },
        affinity_rules: affinity,
        input_params: [1],
        result_data: null,
        error: null,
        created_at: iso(t0),
        run_at: iso(t0 + 1),
        started_at: null,
        estimated_completion_time: null,
      });
    });

    test("estimates the end of a running workload from its progress so far", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      expect((await store.workload(lead.customerId, workload.workloadId))?.estimated_completion_time).toBeNull();
      await apply(store, lead, [stepTo(workload, "RUNNING", { progressPercent: 25, progressMessage: "a quarter" })]);
      const view = await store.workload(lead.customerId, workload.workloadId);
      // Started at t0 + 2 s, a quarter done at t0 + 5 s.
      expect(view).toMatchObject({ progress_message: "a quarter", estimated_completion_time: iso(t0 + 14_000) });
    });

    test("answers for another customer's workload as for one that does not exist", async () => {
      const [mine, other] = [await newLead(give), await newLead(give)];
      const { workloadId } = await putRunning(other.store, other.lead);
      const { customerId } = mine.lead;
      const { store } = mine;
      expect(await store.workload(customerId, workloadId)).toBeNull();
      expect(await store.audit(customerId, workloadId, { limit: 1 })).toBeNull();
      expect(await store.logs(customerId, workloadId, { limit: 1 })).toBeNull();
      expect(await store.find(customerId, [workloadId])).toEqual([]);
      expect(await store.list(customerId, asked({ count: "true" }))).toMatchObject({ items: [], total: 0 });
      expect((await store.window(customerId, 10, t0)).lines).toEqual([]);
    });

    test("lists the newest first, page by page, each workload once", async () => {
      const customer = await newLead(give);
      const all = await put(customer.store, customer.lead, ...Array.from({ length: 7 }, () => newSubmission()));
      const newest = all.map(({ workloadId }) => workloadId).reverse();
      expect(await idsOfPages(customer, asked({ limit: 3 }))).toEqual(newest);
      expect(await idsOfPages(customer, asked({ limit: 7 }))).toEqual(newest);
      const page = await customer.store.list(customer.lead.customerId, asked({ limit: 2, offset: 4 }));
      expect(page).toMatchObject({ items: [{ workload_id: newest[4] }, { workload_id: newest[5] }], hasMore: true });
    });

    test("lists the most urgent first, then the newest", async () => {
      const customer = await newLead(give);
      const priorities = [5, 900, 5, 0, 900];
      const all = await put(
        customer.store,
        customer.lead,
        ...priorities.map((priority) => newSubmission({ priority })),
      );
      const order = [4, 1, 2, 0, 3].map((index) => all[index]?.workloadId);
      expect(await idsOfPages(customer, asked({ limit: 2, order_by: "priority" }))).toEqual(order);
    });

    test("lists what fits every filter, and counts it when asked", async () => {
      const { store, lead } = await newLead(give);
      const [hit] = await put(
        store,
        lead,
        newSubmission({ workloadType: "sleep", createdAt: t0 }, { labels: { team: "a:b", env: "" } }),
        newSubmission({ workloadType: "noop", createdAt: t0 }, { labels: { team: "a:b", env: "" } }),
        newSubmission({ workloadType: "sleep", createdAt: t0 + 10 }, { labels: { team: "a:b", env: "" } }),
        newSubmission({ workloadType: "sleep", createdAt: t0 - 1 }, { labels: { team: "a:b", env: "" } }),
        newSubmission({ workloadType: "sleep", createdAt: t0 }, { labels: { team: "a" } }),
      );
      const query = asked({
        status: ["PENDING"],
        workload_type: "sleep",
        label: ["team:a:b", "env"],
        created_after: iso(t0),
        created_before: iso(t0 + 10),
        count: "true",
      });
      expect(await store.list(lead.customerId, query)).toMatchObject({
        items: [{ workload_id: hit?.workloadId }],
        total: 1,
        hasMore: false,
        nextCursor: null,
      });
      expect(await store.list(lead.customerId, { ...query, status: ["FAILED"] })).toMatchObject({
        items: [],
        total: 0,
      });
      expect(await store.list(lead.customerId, { ...query, status: ["FAILED", "PENDING"] })).toMatchObject({
        total: 1,
      });
      expect(await store.list(lead.customerId, asked())).not.toHaveProperty("total");
    });

    test.for(["", "nonsense", "WyJhIl0", "eyJhIjoxfQ", "💥"])(
      "knows that the cursor %j is none of its own",
      async (cursor) => {
        const { store, lead } = await newLead(give);
        const { workloadId } = await putOne(store, lead);
        expect(await store.list(lead.customerId, asked({ cursor }))).toBe("bad_cursor");
        expect(await store.logs(lead.customerId, workloadId, { limit: 1, cursor })).toBe("bad_cursor");
      },
    );

    test("pages through any statuses in both orders: all that fits, once, where it belongs", async () => {
      const customer = await newLead(give);
      const all = Array.from({ length: 3 * workloadStatuses.length }, (_, at) => inStatus(at));
      await put(customer.store, customer.lead, ...all.map((workload) => newSubmission(workload)));
      const wanted = fc.record({
        status: fc.option(fc.uniqueArray(fc.constantFrom(...workloadStatuses), { minLength: 1 }), { nil: undefined }),
        order_by: fc.constantFrom("created_at" as const, "priority" as const),
        limit: fc.integer({ min: 1, max: 9 }),
        offset: fc.integer({ min: 0, max: all.length }),
      });
      await fc.assert(
        fc.asyncProperty(wanted, async ({ offset, ...query }) => {
          const fits = all.filter(({ status }) => query.status?.includes(status) ?? true);
          const newest = fits.toReversed();
          const inOrder = query.order_by === "priority" ? newest.toSorted((a, b) => b.priority - a.priority) : newest;
          const ids = inOrder.map(({ workloadId }) => workloadId);
          expect(await idsOfPages(customer, query)).toEqual(ids);
          const page = await customer.store.list(customer.lead.customerId, { ...query, offset, count: "true" });
          if (page === "bad_cursor") throw new Error("no cursor was given");
          expect(page.items.map(({ workload_id }) => workload_id)).toEqual(ids.slice(offset, offset + query.limit));
          expect([page.total, page.hasMore]).toEqual([ids.length, offset + query.limit < ids.length]);
        }),
        { numRuns: 60 },
      );
    });

    test("refuses the cursor of another order", async () => {
      const { store, lead } = await newLead(give);
      await put(store, lead, newSubmission(), newSubmission());
      const page = await store.list(lead.customerId, asked({ limit: 1 }));
      const cursor = page === "bad_cursor" ? "" : (page.nextCursor ?? "");
      expect(await store.list(lead.customerId, asked({ order_by: "priority", cursor }))).toBe("bad_cursor");
    });

    test("reads log lines in order, by level, by time, page by page", async () => {
      const { store, lead } = await newLead(give);
      const { workloadId } = await putRunning(store, lead);
      const levels: LogLevel[] = ["info", "debug", "error", "warn", "info"];
      const lines = levels.map((level, index) => ({
        line: index + 1,
        timestamp: iso(t0 + index),
        level,
        message: `${index + 1}`,
      }));
      await apply(store, lead, [], [{ workloadId, generation: 1, lines: lines.toReversed() }]);
      const read = async (query: LogQuery): Promise<string> => {
        const page = await store.logs(lead.customerId, workloadId, query);
        if (page === null || page === "bad_cursor") throw new Error("the lines are not there");
        const here = page.items.map(({ message }) => message).join("");
        return page.nextCursor === null ? here : `${here},${await read({ ...query, cursor: page.nextCursor })}`;
      };
      expect(await read({ limit: 2 })).toBe("12,34,5");
      expect(await read({ limit: 9, level: "warn" })).toBe("34");
      expect(await read({ limit: 9, since: iso(t0 + 1), until: iso(t0 + 3) })).toBe("23");
    });

    test("has an empty page of lines for a workload without any", async () => {
      const { store, lead } = await newLead(give);
      const { workloadId } = await putOne(store, lead);
      expect(await store.logs(lead.customerId, workloadId, { limit: 1 })).toEqual({
        items: [],
        hasMore: false,
        nextCursor: null,
      });
    });

    test("knows a key by its hash until it expires or is revoked, for its own customer only", async () => {
      const { store, addKey, newCustomer } = give();
      const [customerId, other] = [await newCustomer({ weight: 3 }), await newCustomer()];
      const hash = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex");
      const key = {
        keyId: ids.key(),
        customerId,
        keyHash: hash(),
        scopes: ["workloads:read"],
        expiresAt: t0 + 5,
        revokedAt: null,
      };
      const revoked = { ...key, keyId: ids.key(), keyHash: hash(), revokedAt: t0 };
      await addKey(key);
      await addKey(revoked);
      const ask = (owner: typeof customerId, keyHash: string, now: number) =>
        store.key({ kind: "customer", customerId: owner }, keyHash, now);
      expect(await ask(customerId, key.keyHash, t0)).toMatchObject({
        keyId: key.keyId,
        customerId,
        scopes: ["workloads:read"],
        expiresAt: t0 + 5,
        suspended: false,
        limits: { weight: 3, runningMax: 100 },
      });
      expect(await ask(customerId, key.keyHash, t0 + 5)).toBeNull();
      expect(await ask(customerId, revoked.keyHash, t0)).toBeNull();
      expect(await ask(other, key.keyHash, t0)).toBeNull();
      expect(await ask(customerId, hash(), t0)).toBeNull();
    });

    test("knows who a customer is, and that a stranger is none", async () => {
      const { store, newCustomer } = give();
      const customerId = await newCustomer({ weight: 3 });
      expect(await store.caller(customerId)).toMatchObject({
        customerId,
        suspended: false,
        limits: { weight: 3, runningMax: 100 },
      });
      expect(await store.caller(ids.customer())).toBeNull();
    });

    test("remembers the latest use of a key, whatever comes later, of its own customer only", async () => {
      const { store, addKey, newCustomer } = give();
      const [customerId, other] = [await newCustomer(), await newCustomer()];
      const keyId = ids.key();
      const keyHash = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex");
      const lastUsed = await addKey({ keyId, customerId, keyHash, scopes: [], expiresAt: null, revokedAt: null });
      expect(await lastUsed()).toBeNull();
      await store.touchKey(customerId, keyId, t0 + 5);
      await store.touchKey(customerId, keyId, t0);
      await store.touchKey(other, keyId, t0 + 9);
      await store.touchKey(customerId, ids.key(), t0 + 9);
      expect(await lastUsed()).toBe(t0 + 5);
      await store.touchKey(customerId, keyId, t0 + 6);
      expect(await lastUsed()).toBe(t0 + 6);
    });

    test("answers a ping", async () => {
      await expect(give().store.ping()).resolves.toBeUndefined();
    });
  });
}
