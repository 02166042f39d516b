/** What a customer is and owns beside its workloads: written under its epoch, read by its own id, newest first. */
import { describe, expect, test } from "vitest";
import type { Directory, NewKey, Terms } from "../../../functions/store/directory.ts";
import { type Lead, type Page, type StateStore, StoreRejected } from "../../../functions/store/store.ts";
import { type ConfigView, configBodySchema, configViewSchema } from "../../../schema/http/config.ts";
import { customerViewSchema } from "../../../schema/http/customer.ts";
import { keyViewSchema } from "../../../schema/http/key.ts";
import { bucketSchema } from "../../../schema/http/statistics.ts";
import { createIdSource, secureRandom } from "../../../schema/ids.ts";
import { idempotencyKeyHoursDefault } from "../../../schema/limits.ts";
import { ids, newSubmission, type newWorkload, stepTo, t0 } from "../../support/records.ts";
import type { GiveStore } from "../store.suite.ts";
import { apply, granted, newKey, newLead, put, putOne, windowMax } from "./leading.ts";

const iso = (at: number) => new Date(at).toISOString();
const asked = { limit: 50 };

const newType = (workload_type: string, chosen: Partial<ConfigView> = {}): ConfigView => ({
  config_id: ids.config(),
  ...configBodySchema.parse({ workload_type }),
  created_at: iso(t0),
  updated_at: iso(t0),
  ...chosen,
});

const terms: Terms = {
  name: "a name",
  tier: "premium",
  overrides: { running_max: 7, submits_per_second: null },
  suspended: false,
};

function itemsOf<T>(page: Page<T> | "bad_cursor"): readonly T[] {
  if (page === "bad_cursor") throw new Error("the store does not know its own cursor");
  return page.items;
}

/** The ids of all pages. */
async function walk<T>(
  read: (query: { limit: number; cursor?: string }) => Promise<Page<T> | "bad_cursor">,
  idOf: (item: T) => string,
  cursor?: string,
): Promise<string[]> {
  const page = await read({ limit: 2, ...(cursor === undefined ? {} : { cursor }) });
  const here = itemsOf(page).map(idOf);
  const next = page === "bad_cursor" ? null : page.nextCursor;
  return next === null ? here : [...here, ...(await walk(read, idOf, next))];
}

/** A leader whose epoch is over. */
async function overtaken(store: StateStore, lead: Lead): Promise<Lead> {
  await store.lead(lead.customerId, windowMax, t0);
  return lead;
}

export function directoryContract(give: GiveStore): void {
  describe("workload types", () => {
    test("are read as they were written, and are known to the next leader", async () => {
      const { store, lead } = await newLead(give);
      const type = newType("custom", {
        description: "with “quotes”",
        config_json: "12",
        resource_limits: { cpu_cores: 0.5, memory_mb: 64 },
        retry_backoff: { base_ms: 1, cap_ms: 2 },
        timeout_seconds: 60,
      });
      granted(await store.putType(lead, type, null, t0));
      expect(await store.workloadType(lead.customerId, type.config_id)).toEqual(configViewSchema.parse(type));
      const state = await store.lead(lead.customerId, windowMax, t0);
      expect(state?.customer.types.get("custom")).toEqual({
        workloadType: "custom",
        config: "12",
        resources: { cpu_cores: 0.5, memory_mb: 64 },
        policy: {
          maxRetries: 3,
          retryBaseMs: 1,
          retryCapMs: 2,
          timeoutSeconds: 60,
          checkpointIntervalSec: 300,
          checkpointProgressPercent: 10,
        },
      });
    });

    test("are replaced under their id, and keep the time that they were made", async () => {
      const { store, lead } = await newLead(give);
      const type = newType("custom", { timeout_seconds: 5 });
      granted(await store.putType(lead, type, null, t0));
      const next = { ...type, timeout_seconds: null, config_json: { a: [1] }, updated_at: iso(t0 + 9) };
      granted(await store.putType(lead, next, null, t0 + 9));
      expect(await store.workloadType(lead.customerId, type.config_id)).toEqual(next);
      expect(itemsOf(await store.workloadTypes(lead.customerId, asked))).toHaveLength(1);
    });

    test("of one name are refused as data", async () => {
      const { store, lead } = await newLead(give);
      granted(await store.putType(lead, newType("custom"), null, t0));
      await expect(store.putType(lead, newType("custom"), null, t0)).rejects.toBeInstanceOf(StoreRejected);
      expect(itemsOf(await store.workloadTypes(lead.customerId, asked))).toHaveLength(1);
    });

    test("go, unless there is a workload of theirs in whatever status", async () => {
      const { store, lead } = await newLead(give);
      const [used, unused] = [newType("used"), newType("unused")];
      for (const type of [used, unused]) granted(await store.putType(lead, type, null, t0));
      const workload = await putOne(store, lead, newSubmission({ workloadType: "used" }));
      expect(granted(await store.deleteType(lead, used))).toBe("in_use");
      await apply(store, lead, [stepTo(workload, "CANCELLED", { generation: 1, completedAt: t0 })]);
      expect(granted(await store.deleteType(lead, used))).toBe("in_use");
      expect(granted(await store.deleteType(lead, unused))).toBe("deleted");
      expect(itemsOf(await store.workloadTypes(lead.customerId, asked))).toEqual([used]);
    });

    test("are listed page by page, newest first, and none of another customer's", async () => {
      const [{ store, lead }, other] = [await newLead(give), await newLead(give)];
      const types = ["a", "b", "c", "d", "e"].map((name) => newType(name));
      for (const type of types) granted(await store.putType(lead, type, null, t0));
      const foreign = newType("a");
      granted(await store.putType(other.lead, foreign, null, t0));
      const found = await walk(
        (query) => store.workloadTypes(lead.customerId, query),
        ({ config_id }) => config_id,
      );
      expect(found).toEqual(types.map(({ config_id }) => config_id).reverse());
      expect(await store.workloadType(lead.customerId, foreign.config_id)).toBeNull();
      expect(await store.workloadTypes(lead.customerId, { limit: 1, cursor: "nonsense" })).toBe("bad_cursor");
    });
  });

  describe("keys", () => {
    test("open what their scopes say, and are shown without what opens", async () => {
      const { store, lead } = await newLead(give);
      const added = newKey("first", t0 + 100);
      granted(await store.issueKey(lead, added, null, null, t0));
      const view = await store.apiKey(lead.customerId, added.key.key_id);
      expect(keyViewSchema.strict().parse(view)).toEqual(added.key);
      expect(JSON.stringify(view)).not.toContain(added.keyHash);
      const owner = { kind: "customer" as const, customerId: lead.customerId };
      expect(await store.key(owner, added.keyHash, t0)).toMatchObject({
        keyId: added.key.key_id,
        scopes: added.key.scopes,
        expiresAt: t0 + 100,
      });
      expect(await store.key(owner, added.keyHash, t0 + 100)).toBeNull();
    });

    test("that are revoked open nothing, since the first time", async () => {
      const { store, lead } = await newLead(give);
      const added = newKey("first");
      granted(await store.issueKey(lead, added, null, null, t0));
      expect(granted(await store.revokeKey(lead, added.key.key_id, t0 + 1))).toBe("revoked");
      expect(granted(await store.revokeKey(lead, added.key.key_id, t0 + 2))).toBe("revoked");
      expect(granted(await store.revokeKey(lead, ids.key(), t0))).toBe("unknown");
      expect((await store.apiKey(lead.customerId, added.key.key_id))?.revoked_at).toBe(iso(t0 + 1));
      expect(await store.key({ kind: "customer", customerId: lead.customerId }, added.keyHash, t0)).toBeNull();
    });

    test("that are replaced expire, and never later than before", async () => {
      const { store, lead } = await newLead(give);
      const [lasting, ending] = [newKey("lasting"), newKey("ending", t0 + 10)];
      for (const added of [lasting, ending]) {
        granted(await store.issueKey(lead, added, null, null, t0));
        const replaced = { keyId: added.key.key_id, expiresAt: t0 + 50 };
        granted(await store.issueKey(lead, newKey("next"), replaced, null, t0));
      }
      const expiryOf = async ({ key }: NewKey) => (await store.apiKey(lead.customerId, key.key_id))?.expires_at;
      expect(await expiryOf(lasting)).toBe(iso(t0 + 50));
      expect(await expiryOf(ending)).toBe(iso(t0 + 10));
    });

    test("are counted while they live, and listed for ever", async () => {
      const { store, lead } = await newLead(give);
      const keys = [newKey("a"), newKey("b", t0 + 5), newKey("c")];
      for (const added of keys) granted(await store.issueKey(lead, added, null, null, t0));
      granted(await store.revokeKey(lead, keys[2]?.key.key_id ?? ids.key(), t0));
      expect(await store.countLiveKeys(lead.customerId, t0 + 4)).toBe(2);
      expect(await store.countLiveKeys(lead.customerId, t0 + 5)).toBe(1);
      const found = await walk(
        (query) => store.apiKeys(lead.customerId, query),
        ({ key_id }) => key_id,
      );
      expect(found).toEqual(keys.map(({ key }) => key.key_id).reverse());
    });

    test("of another customer are neither read nor revoked", async () => {
      const [{ store, lead }, other] = [await newLead(give), await newLead(give)];
      const added = newKey("theirs");
      granted(await store.issueKey(other.lead, added, null, null, t0));
      expect(await store.apiKey(lead.customerId, added.key.key_id)).toBeNull();
      expect(granted(await store.revokeKey(lead, added.key.key_id, t0))).toBe("unknown");
      expect(await store.countLiveKeys(lead.customerId, t0)).toBe(0);
      expect((await store.apiKey(other.lead.customerId, added.key.key_id))?.revoked_at).toBeNull();
    });
  });

  describe("terms", () => {
    test("are what the next leader, the keys and the operator go by", async () => {
      const { store, lead } = await newLead(give);
      const { keyHash, key } = newKey("first");
      granted(await store.issueKey(lead, { keyHash, key }, null, null, t0));
      granted(await store.putTerms(lead, { ...terms, suspended: true }, t0 + 7));
      const view = await store.customer(lead.customerId);
      expect(customerViewSchema.strict().parse(view)).toMatchObject({
        name: "a name",
        tier: "premium",
        suspended: true,
        overrides: terms.overrides,
        limits: { running_max: 7, queue_depth_max: 2_000, submits_per_second: null, submit_burst: 200, weight: 50 },
        updated_at: iso(t0 + 7),
      });
      const limits = { runningMax: 7, submitsPerSecond: null, weight: 50 };
      const state = await store.lead(lead.customerId, windowMax, t0);
      expect(state?.customer).toMatchObject({ tier: "premium", suspended: true, limits });
      const owner = { kind: "customer" as const, customerId: lead.customerId };
      expect(await store.key(owner, keyHash, t0)).toMatchObject({ suspended: true, limits });
    });

    test("end a suspension, and give the tier's limits back", async () => {
      const { store, lead } = await newLead(give);
      granted(await store.putTerms(lead, { ...terms, suspended: true }, t0));
      granted(await store.putTerms(lead, { ...terms, overrides: {}, suspended: false }, t0 + 1));
      expect(await store.customer(lead.customerId)).toMatchObject({
        suspended: false,
        overrides: {},
        limits: { running_max: 500, submits_per_second: 50 },
      });
    });
  });

  describe("customers", () => {
    const create = (store: Directory, chosen: Partial<Terms> = {}) => {
      const customerId = ids.customer();
      return store.createCustomer(customerId, { ...terms, ...chosen }, null, t0).then(() => customerId);
    };

    test("are made with their terms, and found by them", async () => {
      const { store } = give();
      const made = [await create(store), await create(store, { tier: "free", overrides: {}, suspended: true })];
      expect(await store.customer(made[0] ?? ids.customer())).toMatchObject({ ...terms, created_at: iso(t0) });
      expect(await store.customer(ids.customer())).toBeNull();
      const found = async (query: object) => {
        const all = await walk(
          (page) => store.customers({ ...page, ...query, limit: 100 }),
          ({ customer_id }) => customer_id,
        );
        return made.map((id) => all.includes(id));
      };
      expect(await found({})).toEqual([true, true]);
      expect(await found({ tier: "free" })).toEqual([false, true]);
      expect(await found({ suspended: "true" })).toEqual([false, true]);
      expect(await found({ suspended: "false" })).toEqual([true, false]);
    });

    test("are made once under a key, also when it comes twice at once", async () => {
      const { store } = give();
      const [first, second, third] = [ids.customer(), ids.customer(), ids.customer()];
      const under = (id: typeof first, bodySha256 = "a") =>
        store.createCustomer(id, terms, { key: first, bodySha256, reply: { id } }, t0);
      const outcomes = await Promise.all([under(first), under(second)]);
      const created = outcomes.findIndex(({ kind }) => kind === "created");
      const winner = created === 0 ? first : second;
      expect(outcomes[1 - created]).toEqual({ kind: "replayed", reply: { id: winner } });
      expect(await under(third)).toEqual({ kind: "replayed", reply: { id: winner } });
      expect(await under(third, "b")).toEqual({ kind: "conflict" });
      const there = await Promise.all([first, second, third].map((id) => store.customer(id)));
      expect(there.map((customer) => customer?.customer_id)).toEqual(
        [first, second, third].map((id) => (id === winner ? id : undefined)),
      );
      const late = t0 + idempotencyKeyHoursDefault * 3_600_000;
      const again = { key: first, bodySha256: "b", reply: {} };
      expect(await store.createCustomer(third, terms, again, late)).toEqual({ kind: "created" });
    });
  });

  describe("every change of a leader", () => {
    const writes: Record<string, (store: StateStore, lead: Lead) => Promise<{ kind: string }>> = {
      putType: (store, lead) => store.putType(lead, newType("late"), { key: "k", bodySha256: "a", reply: 1 }, t0),
      deleteType: (store, lead) => store.deleteType(lead, newType("late")),
      issueKey: (store, lead) =>
        store.issueKey(lead, newKey("late"), null, { key: "k", bodySha256: "a", reply: 1 }, t0),
      revokeKey: (store, lead) => store.revokeKey(lead, ids.key(), t0),
      putTerms: (store, lead) => store.putTerms(lead, terms, t0),
    };

    test.for(Object.keys(writes))("%s writes nothing when another leads", async (name) => {
      const { store, lead } = await newLead(give);
      const before = await store.customer(lead.customerId);
      const late = await overtaken(store, lead);
      expect(await writes[name]?.(store, late)).toEqual({ kind: "not_leader" });
      expect(await store.customer(lead.customerId)).toEqual(before);
      expect(itemsOf(await store.workloadTypes(lead.customerId, asked))).toEqual([]);
      expect(itemsOf(await store.apiKeys(lead.customerId, asked))).toEqual([]);
      expect(await store.replyUnder(lead.customerId, { key: "k", bodySha256: "a" }, t0)).toBeNull();
    });

    test("is remembered with it", async () => {
      const { store, lead } = await newLead(give);
      const type = newType("custom");
      granted(await store.putType(lead, type, { key: "types", bodySha256: "a", reply: { n: "1" } }, t0));
      granted(await store.issueKey(lead, newKey("x"), null, { key: "keys", bodySha256: "b", reply: [2] }, t0));
      const under = (key: string, bodySha256: string) => store.replyUnder(lead.customerId, { key, bodySha256 }, t0);
      expect(await under("types", "a")).toEqual({ kind: "replayed", reply: { n: "1" } });
      expect(await under("keys", "b")).toEqual({ kind: "replayed", reply: [2] });
      expect(await under("keys", "a")).toEqual({ kind: "conflict" });
    });
  });

  describe("statistics", () => {
    const day = Date.UTC(2031, 4, 6);
    const hour = 3_600_000;

    /** What was submitted at `at`, as it stands by now; its id is of that time. */
    function past(at: number, chosen: Partial<ReturnType<typeof newWorkload>> = {}) {
      const workloadId = createIdSource(() => at, secureRandom).workload();
      return newSubmission({ workloadId, createdAt: at, ...chosen });
    }

    const completed = (at: number, started: number, ended: number, workloadType = "noop") =>
      past(at, { status: "COMPLETED", generation: 1, startedAt: at + started, completedAt: at + ended, workloadType });

    async function counted(by: "day" | "hour" | "type", ...span: [from: number, to: number]) {
      const { store, lead } = await newLead(give);
      await put(
        store,
        lead,
        completed(day, 1_000, 5_000),
        completed(day + hour, 2_000, 9_000, "sleep"),
        completed(day + hour + 1, 4_000, 10_000),
        past(day + 2 * hour, { status: "FAILED", generation: 4, retryCount: 3, startedAt: day, completedAt: day }),
        past(day + 2 * hour, { status: "CANCELLED", generation: 1, completedAt: day + 3 * hour }),
        past(day + 24 * hour, { retryCount: 1 }),
        past(day - 1),
      );
      const [from, to] = span;
      const found = await store.statistics(lead.customerId, { from, to, by });
      for (const bucket of found) expect(bucketSchema.strict().parse(bucket)).toEqual(bucket);
      return found;
    }

    test("count by day what was submitted in the span, and how long it took", async () => {
      const [first, second, ...rest] = await counted("day", day, day + 48 * hour);
      expect(rest).toEqual([]);
      expect(first).toEqual({
        start: iso(day),
        workload_type: null,
        submitted: 5,
        completed: 3,
        failed: 1,
        cancelled: 1,
        still_open: 0,
        retries: 3,
        average_duration_seconds: 8,
        p95_duration_seconds: 9.9,
        average_wait_seconds: 2.333,
        p95_wait_seconds: 3.8,
      });
      expect(second).toMatchObject({ start: iso(day + 24 * hour), submitted: 1, still_open: 1, retries: 1 });
      expect(second).toMatchObject({ average_duration_seconds: null, p95_wait_seconds: null });
    });

    test("count by hour, to the millisecond of the span", async () => {
      const found = await counted("hour", day + 1, day + 2 * hour + 1);
      expect(found.map(({ start, submitted }) => [start, submitted])).toEqual([
        [iso(day + hour), 2],
        [iso(day + 2 * hour), 2],
      ]);
    });

    test("count by type", async () => {
      const found = await counted("type", day - 1, day + 24 * hour);
      expect(found.map(({ start, workload_type, submitted }) => [start, workload_type, submitted])).toEqual([
        [null, "noop", 5],
        [null, "sleep", 1],
      ]);
    });

    test("count the wait of what was put off from when it was due", async () => {
      const { store, lead } = await newLead(give);
      const { workload } = completed(day, 10_000, 12_000);
      await put(store, lead, newSubmission(workload, { runAt: day + 9_500 }));
      const [bucket] = await store.statistics(lead.customerId, { from: day, to: day + 1, by: "day" });
      expect(bucket).toMatchObject({ average_wait_seconds: 0.5, average_duration_seconds: 12 });
    });

    test("count nothing of another customer's", async () => {
      const [{ store, lead }, other] = [await newLead(give), await newLead(give)];
      await put(other.store, other.lead, past(day));
      expect(await store.statistics(lead.customerId, { from: day, to: day + 1, by: "type" })).toEqual([]);
    });
  });
}
