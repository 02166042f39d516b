/** An end that the coordinator does not take: the attempt still ends in its eyes, by another word. */
import { expect, test } from "vitest";
import type { CoordinatorReply } from "../../../schema/messages/to-coordinator.ts";
import type { WorkerEvent } from "../../../schema/messages/worker-events.ts";
import type { Conclusion } from "../../../worker-agent/execution/conclusion.ts";
import { transient } from "../../../worker-agent/execution/error.ts";
import { Coordinator } from "../../../worker-agent/intake/coordinator.ts";
import type { Intake } from "../../../worker-agent/intake/intake.ts";
import { WakeCall } from "../../../worker-agent/intake/wake.ts";
import { createLog } from "../../../worker-agent/log.ts";
import { AttemptReport } from "../../../worker-agent/report/attempt-report.ts";
import { Outbox } from "../../../worker-agent/report/outbox.ts";
import { newAssignment, testIds } from "../../support/scripted-coordinator.ts";

type Answer = (event: WorkerEvent) => CoordinatorReply;
type Kind = WorkerEvent["kind"];

const outcome = (event: WorkerEvent, of: "committed" | "refused"): CoordinatorReply => ({
  type: "events.outcome",
  payload: { outcomes: [{ event_id: event.event_id, outcome: of, reason: "cannot be stored" }] },
});

const answers: Record<"refused" | "not understood", Answer> = {
  refused: (event) => outcome(event, "refused"),
  "not understood": () => ({ type: "error", payload: { code: "invalid", message: "unreadable", retry: false } }),
};

/** Takes every event by itself: those of the given kinds get that answer, all others are committed. */
function answering(told: WorkerEvent[], kinds: readonly Kind[], answer: Answer): Intake {
  return {
    open: () => Promise.resolve(),
    close: () => Promise.resolve(),
    request: async (_channel, message) => {
      const [event] = message.type === "worker.events" ? message.payload.events : [];
      if (event === undefined) return { kind: "failed", problem: "no event" };
      told.push(event);
      return { kind: "reply", reply: kinds.includes(event.kind) ? answer(event) : outcome(event, "committed") };
    },
  };
}

/** All that is told of an attempt with this end, when nothing is left to say. */
async function toldOf(conclusion: Conclusion, kinds: readonly Kind[], answer: Answer): Promise<WorkerEvent[]> {
  const told: WorkerEvent[] = [];
  const log = createLog("silent", "test");
  const clock = { wall: () => 0, monotonic: () => 0 };
  const wake = new WakeCall({ apiUrl: "http://127.0.0.1:9", agentToken: "t", pool: "default", clock, log });
  const intake = answering(told, kinds, answer);
  const coordinator = new Coordinator({ intake, wake, log, random: () => 0, removed: () => undefined });
  const life = new AbortController();
  const outbox = new Outbox({
    ...{ workerId: testIds.worker(), coordinator, checkFence: () => undefined },
    signal: life.signal,
  });
  await new Promise<void>((drained) => {
    const listener = { fenced: () => undefined, drained };
    new AttemptReport(newAssignment(), { outbox, clock, log }, listener).conclude(conclusion);
  });
  life.abort();
  return told;
}

const completed = { kind: "completed", result: { huge: true } } as const;
const failed = { kind: "failed", error: transient("Error", "again") } as const;

for (const [how, answer] of Object.entries(answers)) {
  test(`a result that is ${how} becomes a permanent failure`, async () => {
    const told = await toldOf(completed, ["completed"], answer);
    expect(told.map(({ kind }) => kind)).toEqual(["completed", "failed"]);
    expect(told[1]).toMatchObject({ error: { kind: "permanent", type: "RESULT_INVALID" } });
  });

  test.each([failed, { kind: "handed_back" }, { kind: "paused" }] as const)(
    `an end that is ${how} is given up, so that the coordinator can move it on: %o`,
    async (end) => {
      const told = await toldOf(end, [end.kind], answer);
      expect(told.map(({ kind }) => kind)).toEqual([end.kind, "released"]);
    },
  );

  test(`an attempt whose every end is ${how} is told of three times and no more`, async () => {
    const told = await toldOf(completed, ["completed", "failed", "released"], answer);
    expect(told.map(({ kind }) => kind)).toEqual(["completed", "failed", "released"]);
  });
}
