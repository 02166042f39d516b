/** Repeating a request: what was in flight when its coordinator died is not waited for once another one answers. */
import { expect, test } from "vitest";
import { Coordinator } from "../../../worker-agent/intake/coordinator.ts";
import type { Intake, RequestOutcome } from "../../../worker-agent/intake/intake.ts";
import { WakeCall } from "../../../worker-agent/intake/wake.ts";
import { createLog } from "../../../worker-agent/log.ts";
import { Occurrences } from "../../support/occurrences.ts";
import { testIds } from "../../support/scripted-coordinator.ts";

/** The first request goes to a coordinator that is no more; every later one is answered. */
function afterADeath(tries: Occurrences<number>): Intake {
  return {
    open: () => Promise.resolve(),
    close: () => Promise.resolve(),
    request: (_channel, _message, _timeoutMs, signal) => {
      tries.add(tries.all.length + 1);
      if (tries.all.length > 1) return Promise.resolve({ kind: "reply", reply: { type: "goodbye.ack", payload: {} } });
      return new Promise<RequestOutcome>((resolve) => {
        signal.addEventListener("abort", () => resolve({ kind: "failed", problem: "stopped" }));
      });
    },
  };
}

function coordinatorOver(intake: Intake): Coordinator {
  const log = createLog("silent", "test");
  const clock = { wall: () => 0, monotonic: () => 0 };
  const wake = new WakeCall({ apiUrl: "http://127.0.0.1:9", agentToken: "t", pool: "default", clock, log });
  return new Coordinator({ intake, wake, log, random: () => 0, removed: () => undefined });
}

const goodbye = { type: "worker.goodbye" as const, payload: { worker_id: testIds.worker() } };

test("sends again what nobody has answered when the coordinator may have begun anew", async () => {
  const tries = new Occurrences<number>();
  const coordinator = coordinatorOver(afterADeath(tries));
  const answer = coordinator.ask(goodbye, new AbortController().signal);
  await tries.until((count) => count === 1);
  coordinator.hurry();
  expect(await answer).toEqual({ type: "goodbye.ack", payload: {} });
  expect(tries.all).toEqual([1, 2]);
});

test("asks no more when the agent ends", async () => {
  const tries = new Occurrences<number>();
  const life = new AbortController();
  const answer = coordinatorOver(afterADeath(tries)).ask(goodbye, life.signal);
  await tries.until((count) => count === 1);
  life.abort();
  expect(await answer).toBeNull();
  expect(tries.all).toEqual([1]);
});
