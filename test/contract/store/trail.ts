/** What happened to one workload, page by page: its audit trail, and its attempts as they follow from it. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attemptsOf } from "../../../functions/domain/attempts.ts";
import type { AuditEntry } from "../../../functions/domain/workload.ts";
import { wholeList, wholeTrail } from "../../support/pages.ts";
import { auditEntry, ids, newWorkload, stepTo, t0 } from "../../support/records.ts";
import { type HappeningName, happenings } from "../../unit/domain/lifecycle.ts";
import type { GiveStore } from "../store.suite.ts";
import { apply, newLead, putOne } from "./leading.ts";

const names = Object.keys(happenings).filter((name): name is HappeningName => name in happenings);
/** Most of what happens to a workload that runs for long. */
const often: readonly HappeningName[] = [
  "placed",
  "started",
  "progress",
  "checkpoint",
  "failed for now",
  "handed back",
];
const stories = fc.array(fc.oneof(fc.constantFrom(...often), fc.constantFrom(...names)), { maxLength: 40 });
const tries: readonly HappeningName[] = ["placed", "started", "checkpoint", "handed back"];

/** As many events as tell of one attempt. */
const movedAway: HappeningName[] = ["placed", "started", "asked to move", "paused"];

/** The audit entries of a life in which these happen one after the other, where they can. */
function audited(story: readonly HappeningName[]): AuditEntry[] {
  const workerId = ids.worker();
  let workload = newWorkload();
  let saved = 0;
  return story.flatMap((name, index) => {
    const moment = { now: t0 + 400_000 * (index + 1), random: 0.5 };
    const { generation, status } = workload;
    if (name === "checkpoint" && status === "RUNNING") {
      saved += 1;
      return [auditEntry("workload.checkpoint_created", { generation, details: { sequence: saved } })];
    }
    const decision = happenings[name](workload, { workerId, generation, moment });
    if (decision.kind !== "change") return [];
    workload = decision.change.next;
    return decision.change.audit;
  });
}

export function trailContract(give: GiveStore): void {
  const newCustomer = () => newLead(give);
  type Customer = Awaited<ReturnType<typeof newCustomer>>;

  async function putTrail({ store, lead }: Customer, story: readonly HappeningName[]) {
    const workload = await putOne(store, lead);
    const audit = audited(story);
    await apply(store, lead, [stepTo(workload, "PENDING", {}, { audit })]);
    return { id: workload.workloadId, audit };
  }

  const auditOf = ({ store, lead }: Customer, id: typeof workloadId, limit: number) =>
    wholeList((cursor) => store.audit(lead.customerId, id, { limit, cursor }));
  const attemptsIn = ({ store, lead }: Customer, id: typeof workloadId, limit: number) =>
    wholeList((cursor) => store.attempts(lead.customerId, id, { limit, cursor }));
  const { workloadId } = newWorkload();

  describe("the trail of a workload", () => {
    test("is, of pages of any size put together, every event once and in order", async () => {
      const customer = await newCustomer();
      const { store, lead } = customer;
      await fc.assert(
        fc.asyncProperty(stories, fc.integer({ min: 1, max: 41 }), async (story, limit) => {
          const { id, audit } = await putTrail(customer, story);
          const whole = (await wholeTrail(store, lead.customerId, id)) ?? [];
          const told = whole.map(({ event_type, generation, details }) => [event_type, generation, details]);
          expect(told).toEqual([
            ["workload.created", 0, {}],
            ...audit.map(({ eventType, generation, details }) => [eventType, generation, details]),
          ]);
          expect(whole.map(({ event_id }) => Number(event_id))).toEqual(
            whole.map(({ event_id }) => Number(event_id)).toSorted((a, b) => a - b),
          );
          expect(await auditOf(customer, id, limit)).toEqual(whole);
        }),
        { numRuns: 60 },
      );
    });

    test("has, in pages of any size put together, the attempts that follow from all of it", async () => {
      const customer = await newCustomer();
      const { store, lead } = customer;
      await fc.assert(
        fc.asyncProperty(stories, fc.integer({ min: 1, max: 12 }), async (story, limit) => {
          const { id } = await putTrail(customer, story);
          const attempts = attemptsOf((await wholeTrail(store, lead.customerId, id)) ?? []);
          expect(await attemptsIn(customer, id, limit)).toEqual(attempts);
        }),
        { numRuns: 100, examples: [[movedAway, 1]] },
      );
    });

    test("has no page more where the last one is full", async () => {
      const customer = await newCustomer();
      const { store, lead } = customer;
      const { id, audit } = await putTrail(customer, [...tries, ...tries]);
      const events = audit.length + 1;
      expect(await store.audit(lead.customerId, id, { limit: events })).toMatchObject({ hasMore: false });
      expect(await store.audit(lead.customerId, id, { limit: events - 1 })).toMatchObject({ hasMore: true });
      expect(await store.attempts(lead.customerId, id, { limit: 2 })).toMatchObject({ hasMore: false });
      expect(await store.attempts(lead.customerId, id, { limit: 1 })).toMatchObject({ hasMore: true });
    });

    test("has an empty page of attempts before the first one", async () => {
      const { store, lead } = await newCustomer();
      const { workloadId: id } = await putOne(store, lead);
      const none = { items: [], hasMore: false, nextCursor: null };
      expect(await store.attempts(lead.customerId, id, { limit: 1 })).toEqual(none);
    });

    test("goes on where it was read to, with what has come since", async () => {
      const customer = await newCustomer();
      const { store, lead } = customer;
      const { id } = await putTrail(customer, tries);
      const page = await store.audit(lead.customerId, id, { limit: 1 });
      if (page === null || page === "bad_cursor") throw new Error("the trail is not there");
      await apply(store, lead, [stepTo(newWorkload({ workloadId: id }), "PENDING")]);
      const rest = await store.audit(lead.customerId, id, { limit: 9, cursor: page.nextCursor ?? "" });
      const told = ["scheduled", "started", "checkpoint_created", "handed_back", "retry_scheduled"];
      const items = told.map((type) => ({ event_type: `workload.${type}` }));
      expect(rest).toMatchObject({ items, hasMore: false });
    });

    test("is not there for another customer, nor are its attempts", async () => {
      const [mine, other] = [await newCustomer(), await newCustomer()];
      const { id } = await putTrail(other, tries);
      expect(await mine.store.audit(mine.lead.customerId, id, { limit: 9 })).toBeNull();
      expect(await mine.store.attempts(mine.lead.customerId, id, { limit: 9 })).toBeNull();
    });

    test("refuses cursors that are none, of another workload, and of the other list", async () => {
      const customer = await newCustomer();
      const { store, lead } = customer;
      const [{ id }, { id: another }] = [
        await putTrail(customer, [...tries, ...tries]),
        await putTrail(customer, tries),
      ];
      const cursorOf = (page: Awaited<ReturnType<typeof store.audit | typeof store.attempts>>) =>
        page === null || page === "bad_cursor" ? null : page.nextCursor;
      const ofAudit = cursorOf(await store.audit(lead.customerId, id, { limit: 1 })) ?? "";
      const ofAttempts = cursorOf(await store.attempts(lead.customerId, id, { limit: 1 })) ?? "";
      const bad = ["", "nonsense", "WyJhIl0", "eyJhIjoxfQ", "💥"];
      const audit = (of: typeof id, cursor: string) => store.audit(lead.customerId, of, { limit: 1, cursor });
      const attempts = (of: typeof id, cursor: string) => store.attempts(lead.customerId, of, { limit: 1, cursor });
      for (const cursor of [...bad, ofAttempts]) expect(await audit(id, cursor)).toBe("bad_cursor");
      for (const cursor of [...bad, ofAudit]) expect(await attempts(id, cursor)).toBe("bad_cursor");
      expect(await audit(another, ofAudit)).toBe("bad_cursor");
      expect(await attempts(another, ofAttempts)).toBe("bad_cursor");
    });
  });
}
