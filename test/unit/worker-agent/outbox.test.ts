import { expect, test } from "vitest";
import type { EventOutcome } from "../../../schema/messages/worker-events.ts";
import { Coordinator } from "../../../worker-agent/intake/coordinator.ts";
import type { Intake, RequestOutcome } from "../../../worker-agent/intake/intake.ts";
import { WakeCall } from "../../../worker-agent/intake/wake.ts";
import { createLog } from "../../../worker-agent/log.ts";
import type { EventOwner } from "../../../worker-agent/report/entry.ts";
import { Outbox } from "../../../worker-agent/report/outbox.ts";
import { Occurrences } from "../../support/occurrences.ts";
import { testIds } from "../../support/scripted-coordinator.ts";

/** Answers every batch as committed, in the same turn or later. */
const committing = (batches: number[][]): Intake => ({
  open: () => Promise.resolve(),
  close: () => Promise.resolve(),
  request: async (_channel, message): Promise<RequestOutcome> => {
    if (message.type !== "worker.events") return { kind: "timeout" };
    const ids = message.payload.events.map(({ event_id }) => event_id);
    batches.push(ids);
    const outcomes = ids.map((event_id): EventOutcome => ({ event_id, outcome: "committed" }));
    return { kind: "reply", reply: { type: "events.outcome", payload: { outcomes } } };
  },
});

function outboxOver(intake: Intake): Outbox {
  const log = createLog("silent", "test");
  const clock = { wall: () => 0, monotonic: () => 0 };
  const wake = new WakeCall({ apiUrl: "http://127.0.0.1:9", agentToken: "t", pool: "default", clock, log });
  const coordinator = new Coordinator({ intake, wake, log, random: () => 0, removed: () => undefined });
  const signal = new AbortController().signal;
  return new Outbox({ workerId: testIds.worker(), coordinator, checkFence: () => undefined, signal });
}

test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])("an event added %i turns after the last outcome is sent too", async (turns) => {
  const batches: number[][] = [];
  const outbox = outboxOver(committing(batches));
  const settled = new Occurrences<number>();
  const owner: EventOwner = {
    ...{ customerId: testIds.customer(), workloadId: testIds.workload(), generation: 1 },
    settled: (entry) => settled.add(entry.event.event_id),
  };
  outbox.add(owner, { kind: "started" });
  await settled.until((id) => id === 1);
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
  outbox.add(owner, { kind: "released" });
  await settled.until((id) => id === 2);
  expect(batches).toEqual([[1], [2]]);
});
