/** Checkpoints: whole with a matching hash or not there at all, and only for who holds the workload. */
import { describe, expect, test } from "vitest";
import type { Workload } from "../../../functions/domain/workload.ts";
import type { Lead, StateStore } from "../../../functions/store/store.ts";
import { checkpointStepMax, checkpointsKeptMax, sequenceMax } from "../../../schema/limits.ts";
import type { CheckpointNotice } from "../../../schema/messages/worker-events.ts";
import {
  auditEntry,
  base64,
  checkpointOf,
  ids,
  inlineCheckpoint,
  scheduledOn,
  started,
  stepTo,
  t0,
} from "../../support/records.ts";
import type { GiveStore } from "../store.suite.ts";
import { apply, eventTypes, found, granted, newLead, putRunning, windowMax } from "./leading.ts";

const chunkOf = (lead: Lead, workload: Workload, sequence: number, index: number, bytes: Uint8Array) => ({
  customer_id: lead.customerId,
  workload_id: workload.workloadId,
  worker_id: workload.workerId ?? ids.worker(),
  generation: workload.generation,
  sequence,
  index,
  data: base64(bytes),
});

const requestOf = (lead: Lead, workload: Workload, sequence: number, index = 0) => {
  const { data: _, ...address } = chunkOf(lead, workload, sequence, index, new Uint8Array());
  return address;
};

const announce = (workload: Workload, notice: CheckpointNotice) => {
  const audit = [
    auditEntry("workload.progress_updated"),
    auditEntry("workload.checkpoint_created", { details: { sequence: notice.sequence } }),
  ];
  return stepTo(workload, "RUNNING", { checkpointSequence: notice.sequence }, { checkpoints: [notice], audit });
};

const bytesOf = (...values: number[]) => new Uint8Array(values);

async function takeInline(store: StateStore, lead: Lead, workload: Workload, sequence: number): Promise<Workload> {
  const change = announce(workload, await inlineCheckpoint(sequence));
  expect((await apply(store, lead, [change])).brokenCheckpoints).toEqual([]);
  return change.next;
}

/** To SCHEDULED on another worker; answers the next attempt and what it was given. */
async function moveOn(store: StateStore, lead: Lead, workload: Workload) {
  const lost = stepTo(workload, "REDISTRIBUTING", { workerId: null });
  const placed = scheduledOn(lost.next);
  await apply(store, lead, [lost]);
  const { scheduled } = await apply(store, lead, [placed]);
  return { next: placed.next, checkpoint: scheduled[0]?.checkpoint };
}

export function checkpointContract(give: GiveStore): void {
  describe("checkpoints", () => {
    test("come back byte for byte to the next attempt, in one chunk or in many", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      const { notice, chunks } = await checkpointOf(1, bytesOf(0, 1, 255), new Uint8Array(100_000).fill(7), bytesOf(9));
      for (const [index, chunk] of chunks.entries()) {
        expect(await store.putChunk(lead, chunkOf(lead, workload, 1, index, chunk))).toEqual({
          kind: "written",
          value: "stored",
        });
      }
      const change = announce(workload, notice);
      expect((await apply(store, lead, [change])).brokenCheckpoints).toEqual([]);
      const { next, checkpoint } = await moveOn(store, lead, change.next);
      expect(checkpoint).toEqual(notice);
      for (const [index, chunk] of chunks.entries()) {
        expect(await store.getChunk(requestOf(lead, next, 1, index))).toEqual(chunk);
      }
      expect(await store.getChunk(requestOf(lead, next, 1, chunks.length))).toBe("unknown");
    });

    test("give the newest complete one to the next attempt", async () => {
      const { store, lead } = await newLead(give);
      const first = await takeInline(store, lead, await putRunning(store, lead), 1);
      const second = await takeInline(store, lead, first, 2);
      const { checkpoint } = await moveOn(store, lead, second);
      expect(checkpoint?.sequence).toBe(2);
    });

    test("that are announced with the step to SCHEDULED are given with it", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      const { data: _, ...seen } = await inlineCheckpoint(3);
      const direct = scheduledOn(workload, ids.worker(), { checkpoints: [await inlineCheckpoint(3)] });
      expect((await apply(store, lead, [direct])).scheduled[0]?.checkpoint).toEqual(seen);
    });

    test.for<[string, Partial<CheckpointNotice>]>([
      ["a chunk is missing", { chunks: 2 }],
      ["the hash is another", { sha256: "0".repeat(64) }],
      ["the bytes are cut short", { bytes: 1_000 }],
      ["nothing was sent", { data: undefined }],
    ])("are not taken when %s, and the rest of the change is", async ([, wrong]) => {
      const { store, lead } = await newLead(give);
      const workload = await takeInline(store, lead, await putRunning(store, lead), 1);
      const broken = announce({ ...workload, progressPercent: 50 }, { ...(await inlineCheckpoint(2)), ...wrong });
      const applied = await apply(store, lead, [broken]);
      expect(applied.brokenCheckpoints).toEqual([{ workloadId: workload.workloadId, sequence: 2 }]);
      expect(await found(store, lead, workload.workloadId)).toMatchObject({
        progressPercent: 50,
        checkpointSequence: 1,
      });
      const events = await eventTypes(store, lead, workload.workloadId);
      expect(events.filter((type) => type === "workload.checkpoint_created").length).toBe(1);
      expect(events.at(-1)).toBe("workload.progress_updated");
      const { next, checkpoint } = await moveOn(store, lead, { ...broken.next, checkpointSequence: 1 });
      expect(checkpoint?.sequence).toBe(1);
      expect(await store.getChunk(requestOf(lead, next, 2))).toBe("unknown");
    });

    test("are kept up to the last ten, the older ones go", async () => {
      const { store, lead } = await newLead(give);
      let workload = await putRunning(store, lead);
      for (let sequence = 1; sequence <= checkpointsKeptMax + 2; sequence += 1) {
        workload = await takeInline(store, lead, workload, sequence);
      }
      const read = async (sequence: number) => store.getChunk(requestOf(lead, workload, sequence));
      expect([await read(1), await read(2)]).toEqual(["unknown", "unknown"]);
      expect(await read(3)).toBeInstanceOf(Uint8Array);
      expect(await read(checkpointsKeptMax + 2)).toBeInstanceOf(Uint8Array);
    });

    test("of the next attempt do not mix with chunks that the last one left", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      await store.putChunk(lead, chunkOf(lead, workload, 1, 0, bytesOf(66)));
      await store.putChunk(lead, chunkOf(lead, workload, 1, 1, bytesOf(66)));
      const { next } = await moveOn(store, lead, workload);
      const running = started(next);
      await apply(store, lead, [running]);
      const after = await takeInline(store, lead, running.next, 1);
      expect(after.checkpointSequence).toBe(1);
      expect(await store.getChunk(requestOf(lead, after, 1))).toEqual(new TextEncoder().encode("state 1"));
    });

    test("keep the chunk that came first", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      const { notice } = await checkpointOf(1, bytesOf(1));
      await store.putChunk(lead, chunkOf(lead, workload, 1, 0, bytesOf(1)));
      await store.putChunk(lead, chunkOf(lead, workload, 1, 0, bytesOf(2)));
      expect((await apply(store, lead, [announce(workload, notice)])).brokenCheckpoints).toEqual([]);
      await store.putChunk(lead, chunkOf(lead, workload, 1, 0, bytesOf(3)));
      expect(await store.getChunk(requestOf(lead, workload, 1))).toEqual(bytesOf(1));
    });

    test("take chunks of the next few numbers above the newest one, and of no other", async () => {
      const { store, lead } = await newLead(give);
      const workload = await takeInline(store, lead, await putRunning(store, lead), 1);
      const tell = async (sequence: number) =>
        granted(await store.putChunk(lead, chunkOf(lead, workload, sequence, 0, bytesOf(1))));
      expect([await tell(1), await tell(2), await tell(1 + checkpointStepMax)]).toEqual([
        "refused",
        "stored",
        "stored",
      ]);
      expect([await tell(2 + checkpointStepMax), await tell(sequenceMax)]).toEqual(["refused", "refused"]);
    });

    test("hold the chunks of one that is begun and no more: the next takes its place", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      const { notice, chunks } = await checkpointOf(1, bytesOf(1), bytesOf(2));
      const tell = async (sequence: number, index: number) =>
        granted(await store.putChunk(lead, chunkOf(lead, workload, sequence, index, chunks[index] ?? bytesOf())));
      expect([await tell(1, 0), await tell(2, 0), await tell(1, 1)]).toEqual(["stored", "stored", "refused"]);
      const broken = await apply(store, lead, [announce(workload, notice)]);
      expect(broken.brokenCheckpoints).toEqual([{ workloadId: workload.workloadId, sequence: 1 }]);
      expect(await tell(2, 1)).toBe("stored");
      const whole = await apply(store, lead, [announce(workload, { ...notice, sequence: 2 })]);
      expect(whole.brokenCheckpoints).toEqual([]);
    });

    test("that were begun are gone when the attempt has ended, and the announced ones stay", async () => {
      const { store, lead } = await newLead(give);
      const workload = await takeInline(store, lead, await putRunning(store, lead), 1);
      const { notice } = await checkpointOf(2, bytesOf(1));
      await store.putChunk(lead, chunkOf(lead, workload, 2, 0, bytesOf(1)));
      await apply(store, lead, [stepTo(workload, "PAUSED", { workerId: null })]);
      // The worker of a row that was set back would find its bytes, had they been kept.
      await apply(store, lead, [stepTo({ ...workload, status: "PAUSED" }, "RUNNING", {})]);
      const { brokenCheckpoints } = await apply(store, lead, [announce(workload, notice)]);
      expect(brokenCheckpoints).toEqual([{ workloadId: workload.workloadId, sequence: 2 }]);
      expect(await store.getChunk(requestOf(lead, workload, 1))).toEqual(new TextEncoder().encode("state 1"));
    });

    test("are not taken far above the newest one, however whole", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      for (const sequence of [checkpointStepMax + 1, sequenceMax]) {
        const far = announce(workload, await inlineCheckpoint(sequence));
        expect((await apply(store, lead, [far])).brokenCheckpoints).toEqual([
          { workloadId: workload.workloadId, sequence },
        ]);
      }
      expect(await found(store, lead, workload.workloadId)).toMatchObject({ checkpointSequence: 0 });
      await takeInline(store, lead, workload, checkpointStepMax);
    });

    test("take no chunk of a worker that does not hold the workload now", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      const { next } = await moveOn(store, lead, workload);
      const fenced = { kind: "written", value: "fenced" };
      expect(await store.putChunk(lead, chunkOf(lead, workload, 1, 0, bytesOf(1)))).toEqual(fenced);
      const other = { ...next, workerId: ids.worker() };
      expect(await store.putChunk(lead, chunkOf(lead, other, 1, 0, bytesOf(1)))).toEqual(fenced);
      const lost = stepTo(next, "REDISTRIBUTING", { workerId: null });
      await apply(store, lead, [lost]);
      expect(await store.putChunk(lead, chunkOf(lead, next, 1, 0, bytesOf(1)))).toEqual(fenced);
    });

    test("take no chunk for a leader that was replaced", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      await store.lead(lead.customerId, windowMax, t0);
      expect(await store.putChunk(lead, chunkOf(lead, workload, 1, 0, bytesOf(1)))).toEqual({ kind: "not_leader" });
    });

    test("show no byte to any worker but the holder, nor to another customer", async () => {
      const { store, lead } = await newLead(give);
      const stranger = await newLead(give);
      const workload = await takeInline(store, lead, await putRunning(store, lead), 1);
      expect(await store.getChunk({ ...requestOf(lead, workload, 1), worker_id: ids.worker() })).toBe("fenced");
      expect(await store.getChunk({ ...requestOf(lead, workload, 1), generation: 2 })).toBe("fenced");
      expect(await store.getChunk(requestOf(stranger.lead, workload, 1))).toBe("fenced");
      const theirs = granted(await store.putChunk(stranger.lead, chunkOf(lead, workload, 2, 0, bytesOf(1))));
      expect(theirs).toBe("fenced");
    });

    test("are not shown before they are announced", async () => {
      const { store, lead } = await newLead(give);
      const workload = await putRunning(store, lead);
      await store.putChunk(lead, chunkOf(lead, workload, 1, 0, bytesOf(1)));
      expect(await store.getChunk(requestOf(lead, workload, 1))).toBe("unknown");
    });
  });
}
