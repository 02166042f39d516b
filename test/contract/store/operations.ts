/** Operations on what is there: which workloads are meant, what is intended, what was answered, what starts from another. */
import { describe, expect, test } from "vitest";
import type { Intent, Move, Submission, Workload } from "../../../functions/domain/workload.ts";
import type { Lead, Remembered, StateStore } from "../../../functions/store/store.ts";
import { createIdSource, secureRandom } from "../../../schema/ids.ts";
import { checkpointsKeptMax, idempotencyKeyHoursDefault } from "../../../schema/limits.ts";
import { workloadStatuses } from "../../../schema/status.ts";
import {
  auditEntry,
  groupOf,
  ids,
  inlineCheckpoint,
  newSubmission,
  started,
  stepTo,
  t0,
} from "../../support/records.ts";
import type { GiveStore } from "../store.suite.ts";
import { apply, eventTypes, found, granted, newLead, put, putOne, putRunning } from "./leading.ts";

const keyMs = idempotencyKeyHoursDefault * 3_600_000;
const actor = { type: "user", id: "key_1" } as const;
const pausing: Intent = { kind: "pause", actor, reason: "for now", at: t0 };
const moving: Move = {
  kind: "move",
  actor,
  at: t0,
  pool: "other",
  affinity: { hard_affinity: { worker_tags: { zone: "a" } } },
};
const answered: Remembered = { key: "k", bodySha256: "one", reply: { operations: ["12", 12, null] } };

const failedOf = (workload: Workload) => stepTo(workload, "FAILED", { workerId: null, completedAt: t0 });

function selectContract(give: GiveStore): void {
  const idsOf = async (store: StateStore, lead: Lead, selection: Parameters<StateStore["select"]>[1], max = 10) =>
    (await store.select(lead.customerId, selection, max)).map(({ workloadId }) => workloadId);

  describe("selecting what an operation means", () => {
    test("takes the newest first, of the statuses that are named, and no more than it was asked for", async () => {
      const { store, lead } = await newLead(give);
      const [first, second, third] = await put(store, lead, newSubmission(), newSubmission(), newSubmission());
      if (!first || !second || !third) throw new Error("nothing was put");
      await apply(store, lead, [failedOf(second)]);
      const waiting = { statuses: ["PENDING" as const] };
      expect(await store.select(lead.customerId, waiting, 10)).toEqual([third, first]);
      expect(await idsOf(store, lead, waiting, 1)).toEqual([third.workloadId]);
      expect(await idsOf(store, lead, { statuses: workloadStatuses })).toEqual(
        [third, second, first].map(({ workloadId }) => workloadId),
      );
      expect(await idsOf(store, lead, { statuses: ["PENDING", "FAILED", "PAUSED"] }, 2)).toEqual([
        third.workloadId,
        second.workloadId,
      ]);
      expect(await idsOf(store, lead, { statuses: [] })).toEqual([]);
    });

    test("leaves out types and pools that are not among those named", async () => {
      const { store, lead } = await newLead(give);
      const [one, two] = await put(
        store,
        lead,
        newSubmission({ pool: "gone" }),
        newSubmission({ workloadType: "old" }),
      );
      if (!one || !two) throw new Error("nothing was put");
      const statuses = ["PENDING" as const];
      expect(await idsOf(store, lead, { statuses, pools: [two.pool, "other"] })).toEqual([two.workloadId]);
      expect(await idsOf(store, lead, { statuses, types: [one.workloadType] })).toEqual([one.workloadId]);
      expect(await idsOf(store, lead, { statuses, types: [], pools: [] })).toEqual([]);
    });

    test("holds all that the filter names", async () => {
      const { store, lead } = await newLead(give);
      const one = newSubmission({ createdAt: t0 - 1_000 }, { labels: { team: "a:b", urgent: "" } });
      const two = newSubmission({ workloadType: "sleep" }, { labels: { team: "c" } });
      await put(store, lead, one, two);
      const statuses = ["PENDING" as const];
      const [a, b] = [one.workload.workloadId, two.workload.workloadId];
      expect(await idsOf(store, lead, { statuses, labels: ["team"] })).toEqual([b, a]);
      expect(await idsOf(store, lead, { statuses, labels: ["team:a:b", "urgent"] })).toEqual([a]);
      expect(await idsOf(store, lead, { statuses, labels: ["team:c", "urgent"] })).toEqual([]);
      expect(await idsOf(store, lead, { statuses, workloadType: "sleep" })).toEqual([b]);
      expect(await idsOf(store, lead, { statuses, createdAfter: t0 })).toEqual([b]);
      expect(await idsOf(store, lead, { statuses, createdBefore: t0 })).toEqual([a]);
    });

    test("leaves out what is to pause already, and what has a retry, where that is asked for", async () => {
      const { store, lead } = await newLead(give);
      const [pauses, runs] = [await putRunning(store, lead), await putRunning(store, lead)];
      await apply(store, lead, [stepTo(pauses, "RUNNING", { intent: pausing }, { audit: [] })]);
      const running = { statuses: ["RUNNING" as const] };
      expect(await idsOf(store, lead, { ...running, notIntended: "pause" })).toEqual([runs.workloadId]);
      expect((await idsOf(store, lead, { ...running, notIntended: "move" })).length).toBe(2);
      const old = await putOne(store, lead);
      await apply(store, lead, [failedOf(old)]);
      const failed = { statuses: ["FAILED" as const], notRetried: true };
      expect(await idsOf(store, lead, failed)).toEqual([old.workloadId]);
      await put(store, lead, retryOf(old, null));
      expect(await idsOf(store, lead, failed)).toEqual([]);
    });

    test("sees nothing of another customer", async () => {
      const [a, b] = [await newLead(give), await newLead(give)];
      await putOne(a.store, a.lead);
      expect(await b.store.select(b.lead.customerId, { statuses: workloadStatuses }, 10)).toEqual([]);
    });
  });
}

const retryOf = (old: Workload, checkpointSequence: number | null): Submission =>
  newSubmission(
    { checkpointSequence: checkpointSequence ?? 0, inputBytes: old.inputBytes },
    { input: null, origin: { workloadId: old.workloadId, checkpointSequence } },
  );

function retryContract(give: GiveStore): void {
  /** FAILED, with two checkpoints, a label and an input. */
  async function putFailed(store: StateStore, lead: Lead): Promise<Workload> {
    const running = await putRunning(store, lead, newSubmission({}, { labels: { team: "a" }, input: { n: "12" } }));
    const checkpoints = [await inlineCheckpoint(1), await inlineCheckpoint(2, "the second")];
    const failed = stepTo(
      running,
      "FAILED",
      { workerId: null, lastWorkerId: running.workerId, completedAt: t0, checkpointSequence: 2 },
      { checkpoints, error: { type: "Broken", message: "it broke" } },
    );
    await apply(store, lead, [failed]);
    return failed.next;
  }

  /** Its first attempt runs. */
  async function begun(store: StateStore, lead: Lead, workload: Workload): Promise<Workload> {
    const chosen = { generation: 1, workerId: ids.worker(), scheduledAt: t0 };
    const placed = stepTo(workload, "SCHEDULED", chosen);
    const running = started(placed.next);
    await apply(store, lead, [placed, running]);
    return running.next;
  }

  const requestOf = ({ customerId }: Lead, { workloadId, workerId, generation }: Workload) => ({
    customer_id: customerId,
    workload_id: workloadId,
    worker_id: workerId ?? ids.worker(),
    generation,
    sequence: 2,
    index: 0,
  });

  async function stateOf(store: StateStore, lead: Lead, workload: Workload): Promise<string> {
    const data = await store.getChunk(requestOf(lead, workload));
    return data instanceof Uint8Array ? Buffer.from(data).toString() : data;
  }

  describe("repeating a workload", () => {
    test("copies its input and its labels, names it, and leaves it as it was", async () => {
      const { store, lead } = await newLead(give);
      const old = await putFailed(store, lead);
      const before = await store.workload(lead.customerId, old.workloadId);
      const retry = await putOne(store, lead, retryOf(old, null));
      expect(await store.workload(lead.customerId, retry.workloadId)).toMatchObject({
        status: "PENDING",
        retry_of: old.workloadId,
        input_params: { n: "12" },
        labels: { team: "a" },
        error: null,
        checkpoint_sequence: 0,
      });
      expect(await found(store, lead, retry.workloadId)).toEqual(retry);
      expect(await store.workload(lead.customerId, old.workloadId)).toEqual(before);
      expect(before?.retry_of).toBeNull();
      expect(await eventTypes(store, lead, retry.workloadId)).toEqual(["workload.created"]);
    });

    test("from a checkpoint starts from just that one, and goes on counting from there", async () => {
      const { store, lead } = await newLead(give);
      const old = await putFailed(store, lead);
      const retry = await putOne(store, lead, retryOf(old, 2));
      const workerId = ids.worker();
      const placed = stepTo(retry, "SCHEDULED", { generation: 1, workerId, scheduledAt: t0 });
      const { scheduled } = await apply(store, lead, [placed]);
      const { sequence, bytes, sha256, chunks } = await inlineCheckpoint(2, "the second");
      expect(scheduled).toEqual([
        { workloadId: retry.workloadId, input: { n: "12" }, checkpoint: { sequence, bytes, sha256, chunks } },
      ]);
      const address = { customer_id: lead.customerId, workload_id: retry.workloadId, worker_id: workerId };
      const data = await store.getChunk({ ...address, generation: 1, sequence: 2, index: 0 });
      expect(data instanceof Uint8Array ? Buffer.from(data).toString() : data).toBe("the second");
      const third = stepTo(
        placed.next,
        "RUNNING",
        { checkpointSequence: 3 },
        { checkpoints: [await inlineCheckpoint(3)] },
      );
      expect((await apply(store, lead, [third])).brokenCheckpoints).toEqual([]);
      expect((await found(store, lead, retry.workloadId))?.checkpointSequence).toBe(3);
    });

    test("reads the bytes of its first origin, however often it was repeated, and leaves them there", async () => {
      const { store, lead } = await newLead(give);
      const old = await putFailed(store, lead);
      const first = await putOne(store, lead, retryOf(old, 2));
      const [of, other] = [await begun(store, lead, first), ids.worker()];
      expect(await stateOf(store, lead, of)).toBe("the second");
      expect(await store.getChunk({ ...requestOf(lead, of), worker_id: other })).toBe("fenced");
      expect(await store.getChunk({ ...requestOf(lead, of), generation: 2 })).toBe("fenced");
      const failed = failedOf(of);
      await apply(store, lead, [failed]);
      expect(await store.getChunk(requestOf(lead, of))).toBe("fenced");
      const second = await begun(store, lead, await putOne(store, lead, retryOf(failed.next, 2)));
      expect(await stateOf(store, lead, second)).toBe("the second");
      const notices = Array.from({ length: checkpointsKeptMax }, (_, index) => inlineCheckpoint(index + 3));
      const newest = checkpointsKeptMax + 2;
      const more = stepTo(
        second,
        "RUNNING",
        { checkpointSequence: newest },
        { checkpoints: await Promise.all(notices) },
      );
      expect((await apply(store, lead, [more])).brokenCheckpoints).toEqual([]);
      expect(await store.getChunk(requestOf(lead, second))).toBe("unknown");
      const third = await begun(store, lead, await putOne(store, lead, retryOf(failed.next, 2)));
      expect(await stateOf(store, lead, third)).toBe("the second");
    });

    test("stands beside plain submissions in one insert", async () => {
      const { store, lead } = await newLead(give);
      const old = await putFailed(store, lead);
      const [plain, retry] = await put(store, lead, newSubmission({}, { input: "plain" }), retryOf(old, 2));
      if (!plain || !retry) throw new Error("nothing was put");
      expect(await store.workload(lead.customerId, plain.workloadId)).toMatchObject({
        input_params: "plain",
        retry_of: null,
      });
      expect((await store.workload(lead.customerId, retry.workloadId))?.input_params).toEqual({ n: "12" });
    });
  });
}

function rememberContract(give: GiveStore): void {
  describe("remembering an answer", () => {
    test("gives it again to the same request, and refuses the key to another, until it is too old", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putOne(store, lead);
      expect(await store.replyUnder(lead.customerId, answered, t0)).toBeNull();
      granted(await store.apply(lead, [failedOf(workload)], [], t0, answered));
      const replayed = { kind: "replayed", reply: answered.reply };
      expect(await store.replyUnder(lead.customerId, answered, t0 + keyMs - 1)).toEqual(replayed);
      expect(await store.replyUnder(lead.customerId, { ...answered, bodySha256: "two" }, t0)).toEqual({
        kind: "conflict",
      });
      expect(await store.replyUnder(lead.customerId, answered, t0 + keyMs)).toBeNull();
      expect((await found(store, lead, workload.workloadId))?.status).toBe("FAILED");
    });

    test("needs no change beside it, and takes over a key that is too old", async () => {
      const { store, lead } = await newLead(give);
      granted(await store.apply(lead, [], [], t0, answered));
      const later = { ...answered, bodySha256: "two", reply: ["later"] };
      granted(await store.apply(lead, [], [], t0 + keyMs - 1, later));
      expect(await store.replyUnder(lead.customerId, answered, t0)).toMatchObject({ kind: "replayed" });
      granted(await store.apply(lead, [], [], t0 + keyMs, later));
      expect(await store.replyUnder(lead.customerId, later, t0 + keyMs)).toEqual({
        kind: "replayed",
        reply: ["later"],
      });
    });

    test("is not done by a leader that was replaced", async () => {
      const { store, lead } = await newLead(give);
      await store.lead(lead.customerId, 1, t0);
      expect(await store.apply(lead, [], [], t0, answered)).toEqual({ kind: "not_leader" });
      expect(await store.replyUnder(lead.customerId, answered, t0)).toBeNull();
    });

    test("goes with an insert as well, and neither kind of answer stands for the other", async () => {
      const { store, lead } = await newLead(give);
      await store.insert(lead, [{ submissions: [newSubmission()], idempotency: answered }], t0);
      expect(await store.replyUnder(lead.customerId, answered, t0)).toEqual({
        kind: "replayed",
        reply: answered.reply,
      });
      await store.insert(lead, [groupOf([newSubmission()], "plain", "one")], t0);
      expect(await store.replyUnder(lead.customerId, { key: "plain", bodySha256: "one" }, t0)).toEqual({
        kind: "conflict",
      });
      granted(await store.apply(lead, [], [], t0, { ...answered, key: "other" }));
      const again = await store.insert(lead, [groupOf([newSubmission()], "other", "two")], t0);
      expect(granted(again)).toEqual([{ kind: "conflict" }]);
    });

    test("keeps the keys of two customers apart", async () => {
      const [a, b] = [await newLead(give), await newLead(give)];
      granted(await a.store.apply(a.lead, [], [], t0, answered));
      expect(await b.store.replyUnder(b.lead.customerId, answered, t0)).toBeNull();
    });
  });
}

/** Ids of their time: what is new is found by them. */
const idsAt = (at: number) => createIdSource(() => at, secureRandom);

function acceptedContract(give: GiveStore): void {
  const submissionAt = (createdAt: number) => newSubmission({ workloadId: idsAt(createdAt).workload(), createdAt });
  const acceptedOf = async (store: StateStore, lead: Lead, now: number) =>
    (await store.lead(lead.customerId, 1, now))?.accepted;

  describe("a new leader", () => {
    test("reads what was accepted within the time that the bucket needs to fill, by its moments", async () => {
      const { store, newCustomer } = give();
      const limits = { submitsPerSecond: 10, submitBurst: 50, queueDepthMax: 100 };
      const lead = (await store.lead(await newCustomer(limits), 1, t0))?.lead;
      if (lead === undefined) throw new Error("the customer is gone");
      const since = t0 - (50 / 10) * 1_000;
      expect(await acceptedOf(store, lead, t0)).toEqual({ since, takings: [], isWhole: true });
      const state = await store.lead(lead.customerId, 1, t0);
      if (state === null) throw new Error("the customer is gone");
      await put(store, state.lead, submissionAt(t0 - 2_000), submissionAt(t0 - 2_000), submissionAt(t0 - 1));
      const takings = [
        { at: t0 - 2_000, count: 2 },
        { at: t0 - 1, count: 1 },
      ];
      expect(await acceptedOf(store, lead, t0)).toEqual({ since, takings, isWhole: true });
      const later = await acceptedOf(store, lead, t0 + 4_000);
      expect(later).toEqual({ since: since + 4_000, takings: takings.slice(1), isWhole: false });
    });

    test("reads none of it where there is no limit", async () => {
      const { store, newCustomer } = give();
      const state = await store.lead(await newCustomer({ submitsPerSecond: null }), 1, t0);
      expect(state?.accepted).toEqual({ since: t0, takings: [], isWhole: true });
    });
  });
}

export function operationContract(give: GiveStore): void {
  test.for([pausing, moving, { ...pausing, after: moving }])(
    "keeps what is intended of a running workload, and forgets it when it is done: %j",
    async (intent) => {
      const { store, lead } = await newLead(give);
      const running = await putRunning(store, lead);
      const intended = stepTo(running, "RUNNING", { intent }, { audit: [] });
      await apply(store, lead, [intended]);
      expect(await found(store, lead, running.workloadId)).toEqual(intended.next);
      expect((await store.workload(lead.customerId, running.workloadId))?.pending_action).toBe(intent.kind);
      expect((await store.lead(lead.customerId, 1, t0))?.held).toEqual([intended.next]);
    },
  );

  test("writes a move to another pool and another line of the queue", async () => {
    const { store, lead } = await newLead(give);
    const waiting = await putOne(store, lead);
    const { affinity } = moving;
    const audit = [auditEntry("workload.moved")];
    const moved = stepTo(waiting, "PENDING", { pool: "other", affinity }, { audit });
    await apply(store, lead, [moved]);
    const window = await store.window(lead.customerId, 10, t0);
    expect(window.lines).toEqual([{ ready: [moved.next], more: false }]);
    expect(await store.lines(lead.customerId, [waiting], 10, t0)).toEqual([]);
  });

  selectContract(give);
  retryContract(give);
  rememberContract(give);
  acceptedContract(give);
}
