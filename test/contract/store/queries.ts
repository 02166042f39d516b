/** Whatever is asked of lists, logs and trails over the API: a page or a refusal, never a failure of the store. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createApp } from "../../../functions/api/app.ts";
import { encodeCursor } from "../../../functions/store/cursor.ts";
import type { StateStore } from "../../../functions/store/store.ts";
import { createLog } from "../../../functions/telemetry/log.ts";
import { newKey, sha256Hex } from "../../../schema/api-key.ts";
import type { CustomerId } from "../../../schema/ids.ts";
import { priorityMax } from "../../../schema/limits.ts";
import { workloadStatuses } from "../../../schema/status.ts";
import { ids, t0 } from "../../support/records.ts";
import type { GiveStore } from "../store.suite.ts";
import { newLead, putRunning } from "./leading.ts";

const absent = () => Promise.reject(new Error("nobody is asked but the store"));

/** The app over this store; every customer's own key is made on the way. */
async function openApi({ store, addKey }: ReturnType<GiveStore>, customerId: CustomerId) {
  const key = await newKey(customerId);
  const [keyId, keyHash] = [ids.key(), await sha256Hex(key)];
  await addKey({ keyId, customerId, keyHash, scopes: ["workloads:read"], expiresAt: null, revokedAt: null });
  const app = appOver(store);
  return async (path: string, query: Readonly<Record<string, string>>): Promise<number> => {
    const headers = { authorization: `Bearer ${key}` };
    return (await app.request(`${path}?${new URLSearchParams(query)}`, { headers })).status;
  };
}

const appOver = (store: StateStore) =>
  createApp({
    store,
    coordinators: {
      submit: absent,
      operate: absent,
      settled: absent,
      explain: absent,
      direct: absent,
      usage: absent,
      watch: absent,
    },
    pools: {
      pools: [],
      wake: absent,
      isRemoved: absent,
      fleet: absent,
      drain: absent,
      remove: absent,
      health: absent,
      metrics: absent,
    },
    // Each question a second after the last: the bucket of reads never runs dry.
    clock: secondsFrom(t0),
    requestIds: () => ids.message(),
    ids,
    newKey,
    log: createLog({ level: "silent", clock: () => t0, write: () => undefined }),
    version: "0",
    adminKeyHash: "",
    poolTokenHashes: new Map(),
    agentCredentials: {
      natsUrl: "",
      lifetimeSeconds: 0,
      isUserKey: () => false,
      issue: () => ({ jwt: "", expiresAt: 0 }),
    },
    docsFile: absent,
    openSocket: () => {
      throw new Error("nobody watches here");
    },
    metrics: { isPublic: false, token: null },
    jwt: null,
    background: (work) => void work,
  });

function secondsFrom(start: number): () => number {
  let at = start;
  return () => {
    at += 1_000;
    return at;
  };
}

const edges = [-1, 0, 1, 32_767, 32_768, 2_147_483_647, 2_147_483_648, -2_147_483_649, 2 ** 53, 1e300, 0.5];
const number = fc.oneof(fc.constantFrom(...edges), fc.integer(), fc.maxSafeInteger(), fc.double());
const id = fc.oneof(fc.constantFrom(ids.workload(), "wl_", "wl_7zzzzzzzzzzzzzzzzzzzzzzzzz"), fc.string());
const place = fc.oneof(
  fc.tuple(fc.constantFrom("created_at", "priority"), id),
  fc.tuple(fc.constantFrom("created_at", "priority"), number, id),
  fc.tuple(number, number),
  fc.tuple(fc.constantFrom("audit", "attempts"), id, number),
);
const cursor = fc.oneof({ weight: 5, arbitrary: place.map(encodeCursor) }, { weight: 1, arbitrary: fc.string() });
const time = fc.oneof(
  fc.constantFrom("0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+23:59", "2026-02-30T00:00:00Z"),
  fc.constantFrom("9999-12-31T23:59:59-14:00", "+275760-09-13T00:00:00Z", `2026-01-01T00:00:00.${"9".repeat(99)}Z`),
  fc.date().map((date) => (Number.isNaN(date.getTime()) ? "never" : date.toISOString())),
);
const anyNumberText = number.map(String);
const listQuery = fc.record(
  {
    cursor,
    order_by: fc.constantFrom("created_at", "priority"),
    limit: fc.oneof(fc.constantFrom("1", "100"), anyNumberText),
    created_after: time,
    created_before: time,
    status: fc.constantFrom(...workloadStatuses),
    workload_type: fc.oneof(fc.constant("noop"), fc.string()),
    label: fc.oneof(fc.constantFrom("team:x", "team", ":", '"', "a:\\"), fc.string({ unit: "binary", minLength: 1 })),
    count: fc.constantFrom("true", "false"),
  },
  { requiredKeys: [] },
);
const offsetQuery = fc.record({ offset: anyNumberText, limit: anyNumberText }, { requiredKeys: ["offset"] });
const logQuery = fc.record(
  { cursor, since: time, until: time, level: fc.constantFrom("trace", "info", "fatal"), limit: anyNumberText },
  { requiredKeys: [] },
);
const runs = { numRuns: 150 };

export function queryContract(give: GiveStore): void {
  describe("queries from outside", () => {
    const bad = [-1, priorityMax + 1, 32_768, 2_147_483_648, 2 ** 53, 0.5, -32_769];

    test.for(bad)("have no cursor with the priority %d", async (priority) => {
      const { store, lead } = await newLead(give);
      const query = { limit: 1, cursor: encodeCursor(["priority", priority, ids.workload()]) };
      expect(await store.list(lead.customerId, { ...query, order_by: "priority" })).toBe("bad_cursor");
    });

    test.for([-1, 2_147_483_648, -2_147_483_649, 2 ** 53, 0.5])(
      "have no cursor with the generation or the line %d",
      async (count) => {
        const { store, lead } = await newLead(give);
        const { workloadId } = await putRunning(store, lead);
        for (const cursor of [encodeCursor([count, 1]), encodeCursor([1, count])])
          expect(await store.logs(lead.customerId, workloadId, { limit: 1, cursor })).toBe("bad_cursor");
      },
    );

    test("are answered with 200 or refused with 400, whatever they ask", async () => {
      const { store, lead } = await newLead(give);
      const { workloadId } = await putRunning(store, lead);
      const ask = await openApi(give(), lead.customerId);
      const isAnswered = async (path: string, query: Record<string, string>) => {
        expect([200, 400]).toContain(await ask(path, query));
      };
      const list = fc.asyncProperty(fc.oneof({ weight: 4, arbitrary: listQuery }, offsetQuery), (query) =>
        isAnswered("/v1/workloads", query),
      );
      const logs = fc.asyncProperty(logQuery, (query) => isAnswered(`/v1/workloads/${workloadId}/logs`, query));
      expect(await ask("/v1/workloads", { limit: "1" })).toBe(200);
      await fc.assert(list, runs);
      await fc.assert(logs, runs);
      for (const what of ["audit", "attempts"]) {
        const own = number.map((place) => encodeCursor([what, workloadId, place]));
        const query = fc.record({ cursor: fc.oneof(own, cursor), limit: anyNumberText }, { requiredKeys: ["cursor"] });
        const path = `/v1/workloads/${workloadId}/${what}`;
        await fc.assert(
          fc.asyncProperty(query, (asked) => isAnswered(path, asked)),
          runs,
        );
      }
    });
  });
}
