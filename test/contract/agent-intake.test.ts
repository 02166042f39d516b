/** The agent's side of the broker, on a real server that falls silent without closing anything. */
import { expect, test } from "vitest";
import { checkpointChunkBytes } from "../../schema/limits.ts";
import { NatsIntake } from "../../worker-agent/intake/nats.ts";
import { startNats } from "../support/nats.ts";
import { Occurrences } from "../support/occurrences.ts";
import { testIds } from "../support/scripted-coordinator.ts";

/** Longer than a test may take: no answer here comes from this bound. */
const patienceMs = 3_600_000;
/** Together more than the kernel takes of what nobody reads. */
const chunks = 40;

const chunk = {
  type: "worker.checkpoint_chunk" as const,
  payload: {
    ...{ worker_id: testIds.worker(), customer_id: testIds.customer(), workload_id: testIds.workload() },
    ...{ generation: 1, sequence: 1, index: 0, data: "A".repeat((checkpointChunkBytes * 4) / 3) },
  },
};

test.each([1, chunks])("a dead broker is noticed and left, with %i messages on their way to it", async (count) => {
  const nats = await startNats();
  const reconnected = new Occurrences<true>();
  const handler = {
    command: () => ({ reply: { type: "ok" as const, payload: {} } }),
    broadcast: () => undefined,
    reconnected: () => reconnected.add(true),
  };
  const clock = { wall: Date.now, monotonic: () => performance.now() };
  const intake = new NatsIntake({
    ...{ url: nats.url, credentials: {}, pool: "default", workerId: testIds.worker() },
    ...{ clock, ids: testIds, random: Math.random },
  });
  const life = new AbortController();
  await intake.open(handler, life.signal);
  await nats.freeze();
  const requests = Array.from({ length: count }, () => intake.request("events", chunk, patienceMs, life.signal));
  for (const outcome of await Promise.all(requests)) expect(outcome).toMatchObject({ kind: "failed" });
  await nats.kill();
  await nats.start();
  await reconnected.until(() => true);
  await intake.close();
  await nats.stop();
});
