/** When the agent sends again what is on its way: for a coordinator that may have begun anew, not for a busy one. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ToCoordinator } from "../../../schema/messages/to-coordinator.ts";
import type { ToWorker } from "../../../schema/messages/to-worker.ts";
import { Agent } from "../../../worker-agent/agent.ts";
import type { Runner } from "../../../worker-agent/execution/running.ts";
import type { CommandHandler, Intake, RequestOutcome } from "../../../worker-agent/intake/intake.ts";
import { WakeCall } from "../../../worker-agent/intake/wake.ts";
import { overdueMs, reconnectBackoffCapMs, requestTimeoutMs } from "../../../worker-agent/limits.ts";
import { createLog } from "../../../worker-agent/log.ts";
import { newAssignment, testIds } from "../../support/scripted-coordinator.ts";

/** Less than any request is waited for, and many times what makes one overdue. */
const busyMs = requestTimeoutMs / 2;

/** Registers at once, takes heartbeats, and has not yet written any event. */
class BusyCoordinator implements Intake {
  eventsSent = 0;
  knowsTheWorker = true;
  #handler: CommandHandler | null = null;

  async open(handler: CommandHandler): Promise<void> {
    this.#handler = handler;
  }

  close = () => Promise.resolve();

  request = (_: unknown, message: ToCoordinator, timeoutMs: number, signal: AbortSignal) =>
    new Promise<RequestOutcome>((resolve) => {
      if (message.type === "worker.register") return resolve(this.#registered());
      if (message.type === "worker.heartbeat") return resolve(this.#acknowledged());
      this.eventsSent += 1;
      signal.addEventListener("abort", () => resolve({ kind: "failed", problem: "stopped" }));
      setTimeout(() => resolve({ kind: "timeout" }), timeoutMs);
    });

  command(message: ToWorker): void {
    this.#handler?.command({ ok: true, message, envelope })?.after?.();
  }

  broadcast(message: ToWorker): void {
    this.#handler?.broadcast({ ok: true, message, envelope });
  }

  #registered(): RequestOutcome {
    this.knowsTheWorker = true;
    const payload = { lease_ms: 60_000, heartbeat_ms: 100, fenced: [] };
    return { kind: "reply", reply: { type: "registered", payload } };
  }

  #acknowledged(): RequestOutcome {
    const payload = { fenced: [], register_again: !this.knowsTheWorker };
    return { kind: "reply", reply: { type: "heartbeat.ack", payload } };
  }
}

const envelope = {
  ...{ message_id: testIds.message(), type: "test", version: 1 as const, timestamp: "2026-01-01T00:00:00.000Z" },
  ...{ sender_id: "test", sender_type: "coordinator" as const, payload: {} },
};

const endless: Runner = {
  graceMs: 0,
  start: () => ({
    ended: new Promise(() => undefined),
    state: () => Promise.resolve(null),
    abort: () => undefined,
    kill: () => undefined,
  }),
};

let coordinator: BusyCoordinator;
let agent: Agent;

const assign = () =>
  coordinator.command({ type: "assign", payload: { assignments: [newAssignment({ workload_type: "unknown" })] } });

beforeEach(async () => {
  vi.useFakeTimers();
  coordinator = new BusyCoordinator();
  const log = createLog("silent", "test");
  const clock = { wall: () => Date.now(), monotonic: () => Date.now() };
  const wake = new WakeCall({ apiUrl: "http://127.0.0.1:9", agentToken: "t", pool: "default", clock, log });
  agent = new Agent({
    ...{ workerId: testIds.worker(), pool: "default", slots: 10, tags: {}, version: "test", wake, clock, log },
    ...{ runners: new Map([["endless", endless]]), intake: coordinator, random: () => 0.5, leaseRenewed: () => {} },
  });
  await agent.start(
    () => undefined,
    () => undefined,
  );
  coordinator.command({ type: "assign", payload: { assignments: [newAssignment({ workload_type: "endless" })] } });
  await vi.advanceTimersByTimeAsync(1);
  expect(coordinator.eventsSent).toBe(1);
});

afterEach(async () => {
  await agent.end();
  vi.useRealTimers();
});

test("a coordinator that is slow to write and goes on commanding is told everything once", async () => {
  for (let at = 0; at < busyMs; at += overdueMs / 2) {
    assign();
    const item = { workload_id: testIds.workload(), generation: 1, why: "cancelled" as const };
    coordinator.command({ type: "stop", payload: { items: [item] } });
    await vi.advanceTimersByTimeAsync(overdueMs / 2);
  }
  expect(coordinator.eventsSent).toBe(1);
});

test("a coordinator that calls the roll may have begun anew: it is told again what nobody has answered", async () => {
  coordinator.broadcast({ type: "roll_call", payload: {} });
  await vi.advanceTimersByTimeAsync(2 * overdueMs);
  expect(coordinator.eventsSent).toBe(2);
});

test("a coordinator that does not know the worker has begun anew: it is told again too", async () => {
  coordinator.knowsTheWorker = false;
  await vi.advanceTimersByTimeAsync(2 * overdueMs);
  expect(coordinator.eventsSent).toBe(2);
});

test("one roll call makes the agent send again once", async () => {
  coordinator.broadcast({ type: "roll_call", payload: {} });
  await vi.advanceTimersByTimeAsync(busyMs + reconnectBackoffCapMs);
  expect(coordinator.eventsSent).toBe(2);
});
