/** The agent's side of the broker, on a real server that falls silent without closing anything. */
import { createUser } from "@nats-io/nkeys";
import { expect, test } from "vitest";
import type { WorkerId } from "../../schema/ids.ts";
import { checkpointChunkBytes } from "../../schema/limits.ts";
import { workerInbox } from "../../schema/messages/subjects.ts";
import type { CredentialSource } from "../../worker-agent/intake/enrolment.ts";
import { NatsIntake } from "../../worker-agent/intake/nats.ts";
import { createLog } from "../../worker-agent/log.ts";
import { mintOf } from "../support/broker-client.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { Occurrences } from "../support/occurrences.ts";
import { testIds } from "../support/scripted-coordinator.ts";

/** Longer than a test may take: no answer here comes from this bound. */
const patienceMs = 3_600_000;
/** Together more than the kernel takes of what nobody reads. */
const chunks = 40;

const workerId = testIds.worker();

/** Credentials that outlast the test. */
function sourceOf(nats: TestNats, worker: WorkerId): CredentialSource {
  const key = createUser();
  const { jwt } = mintOf(nats).worker("default", worker, key.getPublicKey());
  const inboxPrefix = workerInbox("default", worker);
  const credentials = { natsUrl: nats.url, jwt, inboxPrefix, renewAt: performance.now() + 3_600_000 };
  return { enrol: async () => credentials, renew: async () => credentials, seed: key.getSeed() };
}

const chunk = {
  type: "worker.checkpoint_chunk" as const,
  payload: {
    ...{ worker_id: workerId, customer_id: testIds.customer(), workload_id: testIds.workload() },
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
    ...{ url: nats.url, source: sourceOf(nats, workerId), pool: "default", workerId },
    ...{ clock, ids: testIds, random: Math.random, log: createLog("silent", workerId) },
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
