/** The agent's side of the broker, on a real server that falls silent or hangs up at the worst moment. */
import { once } from "node:events";
import { type AddressInfo, connect as connectTo, createServer, type Socket } from "node:net";
import { createUser } from "@nats-io/nkeys";
import { describe, expect, test } from "vitest";
import { natsUrl } from "../../infra/local/nats.ts";
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

interface ScriptedSource extends CredentialSource {
  readonly renewals: Occurrences<string>;
}

/** Credentials for one address of the broker after the other, each renewed at once; those of the last outlast the test. */
function sourceOf(nats: TestNats, worker: WorkerId, urls: readonly string[] = [nats.url]): ScriptedSource {
  const key = createUser();
  const { jwt } = mintOf(nats).worker("default", worker, key.getPublicKey());
  const inboxPrefix = workerInbox("default", worker);
  const [renewals, left] = [new Occurrences<string>(), [...urls]];
  const next = () => {
    const natsUrl = left.shift() ?? nats.url;
    return { natsUrl, jwt, inboxPrefix, renewAt: performance.now() + (left.length === 0 ? patienceMs : 0) };
  };
  const renew = async (signal: AbortSignal) => {
    signal.throwIfAborted();
    const credentials = next();
    renewals.add(credentials.natsUrl);
    return credentials;
  };
  return { enrol: async () => next(), renew, renewals, seed: key.getSeed() };
}

const clock = { wall: Date.now, monotonic: () => performance.now() };

const intakeOf = (source: CredentialSource) =>
  new NatsIntake({
    ...{ url: null, source, pool: "default", workerId },
    ...{ clock, ids: testIds, random: Math.random, log: createLog("silent", workerId) },
  });

const handlerOf = (reconnected: () => void) => ({
  command: () => ({ reply: { type: "ok" as const, payload: {} } }),
  broadcast: () => undefined,
  reconnected,
});

/** What becomes of a connection right after the broker's first answer. */
const spoilings = {
  lost: (client: Socket, bytes: Buffer) => client.end(bytes),
  silent: (client: Socket, bytes: Buffer) => client.removeAllListeners("data").resume().write(bytes),
};

/** A way to the broker that is spoilt with its first answer. */
async function startSpoiling(nats: TestNats, spoil: (client: Socket, bytes: Buffer) => void) {
  const clients: Socket[] = [];
  const server = createServer((client) => {
    clients.push(client);
    const broker = connectTo(Number(new URL(nats.url).port), "127.0.0.1");
    client.on("data", (bytes) => broker.write(bytes)).on("error", () => undefined);
    broker
      .on("error", () => undefined)
      .on("data", (bytes) => {
        if (bytes.includes("PONG")) spoil(client, bytes);
        else client.write(bytes);
      });
    client.on("close", () => broker.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: natsUrl((server.address() as AddressInfo).port), clients, stop: () => server.close() };
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
  const intake = intakeOf(sourceOf(nats, workerId));
  const life = new AbortController();
  await intake.open(
    handlerOf(() => reconnected.add(true)),
    life.signal,
  );
  await nats.freeze();
  const requests = Array.from({ length: count }, () => intake.request("events", chunk, patienceMs, life.signal));
  for (const outcome of await Promise.all(requests)) expect(outcome).toMatchObject({ kind: "failed" });
  await nats.kill();
  await nats.start();
  await reconnected.until(() => true);
  await intake.close();
  await nats.stop();
});

describe.each(Object.entries(spoilings))(
  "a connection that is %s before it is known what it listens to",
  (_, spoil) => {
    /** Resolves when the agent works with the last of these credentials; with how often the spoilt way was taken. */
    async function taken(urlsBefore: (nats: TestNats) => readonly string[]): Promise<number> {
      const nats = await startNats();
      const way = await startSpoiling(nats, spoil);
      const source = sourceOf(nats, workerId, [...urlsBefore(nats), way.url, nats.url]);
      const intake = intakeOf(source);
      const life = new AbortController();
      await intake.open(
        handlerOf(() => undefined),
        life.signal,
      );
      await source.renewals.until((url) => url === nats.url);
      expect(await intake.request("status", chunk, patienceMs, life.signal)).toEqual({ kind: "no_responders" });
      life.abort();
      await intake.close();
      way.stop();
      await nats.stop();
      return way.clients.length;
    }

    test("does not keep an agent from its start", async () => {
      expect(await taken(() => [])).toBeGreaterThan(0);
    });

    test("does not keep its next credentials from being fetched, and is given up", async () => {
      expect([1, 2]).toContain(await taken((nats) => [nats.url])); // twice: it is tried again just when it is lost
    });
  },
);
