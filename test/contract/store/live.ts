/** What live updates read on from: in order, from a place on, and of one moment. */
import { describe, expect, test } from "vitest";
import type { LivePlace } from "../../../functions/domain/live.ts";
import type { Workload } from "../../../functions/domain/workload.ts";
import { liveWorkloadSchema } from "../../../schema/http/live.ts";
import type { LogLine } from "../../../schema/messages/worker-events.ts";
import { auditEntry, completed, ids, newSubmission, scheduledOn, stepTo, t0 } from "../../support/records.ts";
import type { GiveStore } from "../store.suite.ts";
import { apply, granted, newKey, newLead, put, putOne, putRunning } from "./leading.ts";

const beginning: LivePlace = { eventId: 0, generation: 0, line: 0 };
const many = 100;
/** No key: the subject of a token. */
const nobody = "sub:nobody";
const lineOf = (line: number): LogLine => ({
  line,
  timestamp: new Date(t0 + line).toISOString(),
  level: "info",
  message: `line ${line}`,
  details: { line },
});

type Customer = Awaited<ReturnType<typeof newLead>>;

async function newsOf({ store, lead }: Customer, workload: Workload, place = beginning, limit = many) {
  const [news] = await store.newsAfter(lead.customerId, [{ ...place, workloadId: workload.workloadId }], limit);
  if (news === undefined) throw new Error("a place was not answered");
  return news;
}

async function putKey({ store, lead }: Customer, end: number | null) {
  const added = newKey("live", end);
  granted(await store.issueKey(lead, added, null, null, t0));
  return added.key.key_id;
}

const names = (events: readonly { eventType: string }[]) =>
  events.map(({ eventType }) => eventType.replace("workload.", ""));

export function liveContract(give: GiveStore): void {
  describe("reading on", () => {
    test("gives the events of all workloads in the order of their changes, page by page", async () => {
      const { store, lead } = await newLead(give);
      const [first, second] = await put(store, lead, newSubmission(), newSubmission());
      if (first === undefined || second === undefined) throw new Error("nothing was put");
      await apply(store, lead, [scheduledOn(second)]);
      await apply(store, lead, [scheduledOn(first)]);
      const page = await store.eventsAfter(lead.customerId, 0, 3);
      expect(names(page)).toEqual(["created", "created", "scheduled"]);
      const rest = await store.eventsAfter(lead.customerId, page.at(-1)?.eventId ?? 0, 3);
      expect(rest).toMatchObject([{ workloadId: first.workloadId, eventType: "workload.scheduled", generation: 1 }]);
      expect(await store.eventsAfter(lead.customerId, rest[0]?.eventId ?? 0, 3)).toEqual([]);
    });

    test("gives to each workload its own events and lines after its own place", async () => {
      const customer = await newLead(give);
      const { store, lead } = customer;
      const [first, second] = [await putRunning(store, lead), await putRunning(store, lead)];
      const logs = [first, second].map(({ workloadId }) => {
        return { workloadId, generation: 1, lines: [lineOf(2), lineOf(1), lineOf(3)] };
      });
      await apply(store, lead, [], logs);
      const { events } = await newsOf(customer, first);
      const place = { eventId: events[0]?.eventId ?? 0, generation: 1, line: 1 };
      const places = [
        { ...place, workloadId: first.workloadId },
        { ...beginning, workloadId: second.workloadId },
        { ...place, eventId: Number.MAX_SAFE_INTEGER, workloadId: second.workloadId },
      ];
      const news = await store.newsAfter(lead.customerId, places, many);
      expect(names(news[0]?.events ?? [])).toEqual(["scheduled", "started"]);
      expect(news[0]?.lines.map(({ line }) => line)).toEqual([2, 3]);
      expect(news[1]?.events).toHaveLength(3);
      expect(news[2]).toEqual({ events: [], lines: news[1]?.lines.slice(1) });
      expect(news[1]?.lines[0]).toEqual({
        generation: 1,
        line: 1,
        at: t0 + 1,
        level: "info",
        message: "line 1",
        details: { line: 1 },
      });
    });

    test("gives at most the limit of each, and nothing where there is nothing", async () => {
      const customer = await newLead(give);
      const { store, lead } = customer;
      const workload = await putRunning(store, lead);
      await apply(store, lead, [], [{ workloadId: workload.workloadId, generation: 1, lines: [1, 2, 3].map(lineOf) }]);
      const { events, lines } = await newsOf(customer, workload, beginning, 2);
      expect([names(events), lines.map(({ line }) => line)]).toEqual([
        ["created", "scheduled"],
        [1, 2],
      ]);
      const start = await store.liveStart(lead.customerId, workload.workloadId, nobody);
      const end = { ...(start?.place ?? beginning), workloadId: workload.workloadId };
      expect(await store.newsAfter(lead.customerId, [end], many)).toEqual([{ events: [], lines: [] }]);
      expect(await store.newsAfter(lead.customerId, [], many)).toEqual([]);
    });

    test("tells with a change of status where it came from, and the progress so far", async () => {
      const customer = await newLead(give);
      const { store, lead } = customer;
      const running = await putRunning(store, lead);
      const details = { percent: 20, message: "a fifth" };
      const audit = [auditEntry("workload.progress_updated", { generation: 1, details })];
      const step = stepTo(running, "RUNNING", { progressPercent: 20 }, { audit });
      await apply(store, lead, [step]);
      const lost = [auditEntry("workload.redistributed", { details: { reason: "worker lost" } })];
      const redistributed = stepTo(step.next, "REDISTRIBUTING", { workerId: null }, { audit: lost });
      await apply(store, lead, [redistributed]);
      const moved = stepTo(redistributed.next, "REDISTRIBUTING", {}, { audit: [auditEntry("workload.moved")] });
      await apply(store, lead, [moved, scheduledOn(moved.next)]);
      const { events } = await newsOf(customer, running);
      expect(events.map(({ before, progress }) => [before, progress])).toEqual([
        [null, null],
        [{ eventType: "workload.created", reason: null, moved: false }, null],
        [{ eventType: "workload.scheduled", reason: null, moved: false }, null],
        [null, null],
        [{ eventType: "workload.started", reason: null, moved: false }, details],
        [{ eventType: "workload.redistributed", reason: "worker lost", moved: false }, details],
        [{ eventType: "workload.redistributed", reason: "worker lost", moved: true }, details],
      ]);
      expect(await store.eventsAfter(lead.customerId, 0, many)).toEqual(events);
    });

    test("begins where the state of the workload is told up to", async () => {
      const customer = await newLead(give);
      const { store, lead } = customer;
      const running = await putRunning(store, lead);
      await apply(store, lead, [], [{ workloadId: running.workloadId, generation: 1, lines: [lineOf(1), lineOf(2)] }]);
      const start = await store.liveStart(lead.customerId, running.workloadId, nobody);
      expect(start?.place).toMatchObject({ generation: 1, line: 2 });
      expect(liveWorkloadSchema.parse(start?.workload)).toEqual(start?.workload);
      expect(start?.workload).toMatchObject({ status: "RUNNING", worker_id: running.workerId, error: null });
      const error = { type: "E", message: "no" };
      const failed = stepTo(running, "FAILED", { workerId: null, completedAt: t0 + 9 }, { error });
      await apply(store, lead, [failed]);
      expect(names((await newsOf(customer, running, start?.place)).events)).toEqual(["failed"]);
      const all = await store.liveStart(lead.customerId, null, nobody);
      expect(all?.workload).toBeNull();
      expect(await store.eventsAfter(lead.customerId, all?.place.eventId ?? 0, many)).toEqual([]);
      expect((await store.liveStart(lead.customerId, running.workloadId, nobody))?.workload).toMatchObject({
        status: "FAILED",
        error,
      });
    });

    test("begins at nothing for a customer that has nothing", async () => {
      const { store, lead } = await newLead(give);
      expect(await store.liveStart(lead.customerId, null, nobody)).toEqual({
        place: beginning,
        workload: null,
        suspended: false,
        keyEndsAt: null,
      });
    });

    test("begins with a word on whether the customer is suspended, and not at all for one that does not exist", async () => {
      const { store, lead } = await newLead(give);
      const { workloadId } = await putOne(store, lead);
      const terms = { name: "live", tier: "standard" as const, overrides: {} };
      const told = async () => {
        const starts = [
          await store.liveStart(lead.customerId, workloadId, nobody),
          await store.liveStart(lead.customerId, null, nobody),
        ];
        return starts.map((start) => start?.suspended);
      };
      expect(await told()).toEqual([false, false]);
      granted(await store.putTerms(lead, { ...terms, suspended: true }, t0));
      expect(await told()).toEqual([true, true]);
      granted(await store.putTerms(lead, { ...terms, suspended: false }, t0));
      expect(await told()).toEqual([false, false]);
      expect(await store.liveStart(ids.customer(), null, nobody)).toBeNull();
    });

    test("begins with a word on when the key that asks ends, as the look at many does: at its expiry, or when revoked", async () => {
      const [customer, other] = [await newLead(give), await newLead(give)];
      const { store, lead } = customer;
      const { workloadId } = await putOne(store, lead);
      const keys = await Promise.all([null, t0 + 9_000, t0 + 9_000, null].map((end) => putKey(customer, end)));
      const [endless, expiring, , revoked] = keys;
      for (const keyId of keys.slice(2)) granted(await store.revokeKey(lead, keyId, t0 + 1));
      const strange = await putKey(other, t0 + 9_000);
      const told = async (principalId: string) => {
        const starts = [workloadId, null].map((id) => store.liveStart(lead.customerId, id, principalId));
        return (await Promise.all(starts)).map((start) => start?.keyEndsAt);
      };
      const ends = [null, t0 + 9_000, t0 + 1, t0 + 1, null, null];
      const all = [...keys, strange, nobody];
      expect(await Promise.all(all.map(told))).toEqual(ends.map((end) => [end, end]));
      const known = all.flatMap((keyId, index) => (ends[index] === null ? [] : [[keyId, ends[index]]]));
      expect([...(await store.keyEnds(lead.customerId, all))].toSorted()).toEqual(known.toSorted());
      const some = await store.keyEnds(
        lead.customerId,
        [endless, expiring, revoked].filter((id) => id !== undefined),
      );
      expect([...some.keys()].toSorted()).toEqual([expiring, revoked].toSorted());
      expect((await store.keyEnds(lead.customerId, [])).size).toBe(0);
    });

    test("gives the results of what is completed, exactly as they were", async () => {
      const { store, lead } = await newLead(give);
      const running = [await putRunning(store, lead), await putRunning(store, lead), await putRunning(store, lead)];
      const results = ["12", { deep: [1, null] }];
      await apply(
        store,
        lead,
        running.slice(0, 2).map((workload, index) => completed(workload, { result: results[index] ?? null })),
      );
      const found = await store.results(
        lead.customerId,
        running.map(({ workloadId }) => workloadId),
      );
      expect([...found.entries()].sort()).toEqual(
        results.map((result, index) => [running[index]?.workloadId, result]).sort(),
      );
    });

    test("shows nothing of another customer", async () => {
      const [mine, other] = [await newLead(give), await newLead(give)];
      const workload = await putRunning(other.store, other.lead);
      const ended = completed(workload, { result: "secret" });
      await apply(other.store, other.lead, [ended], [{ ...workload, generation: 1, lines: [lineOf(1)] }]);
      await putOne(mine.store, mine.lead);
      expect(await mine.store.liveStart(mine.lead.customerId, workload.workloadId, nobody)).toBeNull();
      expect(names(await mine.store.eventsAfter(mine.lead.customerId, 0, many))).toEqual(["created"]);
      expect(await newsOf(mine, workload)).toMatchObject({ events: [], lines: [] });
      expect((await mine.store.results(mine.lead.customerId, [workload.workloadId])).size).toBe(0);
    });
  });
}
