/** The agent's side of the broker, on a real server that falls silent or hangs up at the worst moment. */
import { createUser } from "@nats-io/nkeys";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { WorkerId } from "../../schema/ids.ts";
import { checkpointChunkBytes } from "../../schema/limits.ts";
import type { Decoded } from "../../schema/messages/envelope.ts";
import { workerInbox } from "../../schema/messages/subjects.ts";
import type { ToWorker } from "../../schema/messages/to-worker.ts";
import type { CredentialSource } from "../../worker-agent/intake/enrolment.ts";
import { NatsIntake } from "../../worker-agent/intake/nats.ts";
import { createLog } from "../../worker-agent/log.ts";
import { mintOf } from "../support/broker-client.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { type Ending, endings, startWay } from "../support/nats-way.ts";
import { Occurrences } from "../support/occurrences.ts";
import { ScriptedCoordinator, testIds } from "../support/scripted-coordinator.ts";

/** Longer than a test may take: no answer here comes from this bound. */
const patienceMs = 3_600_000;
const failsafeMs = 30_000;
/** Together more than the kernel takes of what nobody reads. */
const chunks = 40;

const workerId = testIds.worker();
const rollCall = { type: "roll_call" as const, payload: {} };

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

const handlerOf = (reconnected: () => void, broadcasts = new Occurrences<Decoded<ToWorker>>()) => ({
  command: () => ({ reply: { type: "ok" as const, payload: {} } }),
  broadcast: (heard: Decoded<ToWorker>) => broadcasts.add(heard),
  reconnected,
});

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

const waysToEnd = Object.keys(endings) as Ending[];

describe.each(waysToEnd)("a connection that is %s as soon as it is made", (ending) => {
  let nats: TestNats;
  let life: AbortController;
  let broadcasts: Occurrences<Decoded<ToWorker>>;
  const stops: (() => unknown)[] = [];

  const open = async (source: CredentialSource) => {
    const intake = intakeOf(source);
    stops.push(() => intake.close());
    const handler = handlerOf(() => undefined, broadcasts);
    await intake.open(handler, life.signal);
    return intake;
  };
  const way = async (endAt: readonly (Ending | null)[]) => {
    const started = await startWay(nats, endAt);
    stops.push(() => started.stop());
    return started;
  };
  const isAnswered = async (intake: NatsIntake) => {
    const outcome = await intake.request("status", chunk, patienceMs, life.signal);
    return outcome.kind === "no_responders";
  };
  /** A command is answered, and a broadcast arrives. */
  const expectHears = async () => {
    const coordinator = new ScriptedCoordinator(nats);
    await coordinator.appear();
    stops.push(() => coordinator.disappear());
    expect(await coordinator.command(workerId, rollCall)).toEqual({ type: "ok", payload: {} });
    const next = broadcasts.next();
    coordinator.rollCall();
    expect(await next).toMatchObject({ ok: true, message: rollCall });
  };

  beforeEach(async () => {
    nats = await startNats();
    life = new AbortController();
    broadcasts = new Occurrences();
    stops.push(() => nats.stop());
  });
  afterEach(async () => {
    life.abort();
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  test("does not keep an agent from its start", async () => {
    const { url } = await way([ending]);
    expect(await isAnswered(await open(sourceOf(nats, workerId, [url])))).toBe(true);
    await expectHears();
  });

  test("is followed by another when it was to be the next one after a loss", { timeout: failsafeMs }, async () => {
    const { url, cut } = await way([null, ending]);
    const intake = await open(sourceOf(nats, workerId, [url]));
    cut();
    await expect.poll(() => isAnswered(intake), { timeout: failsafeMs }).toBe(true);
    await expectHears();
  });

  test("is given up for the next credentials, when it was made with new ones", async () => {
    const { url, clients } = await way([ending, ending, ending]);
    const source = sourceOf(nats, workerId, [nats.url, url, nats.url]);
    const intake = await open(source);
    await source.renewals.until((renewed) => renewed === nats.url);
    expect(await isAnswered(intake)).toBe(true);
    await expectHears();
    expect([1, 2]).toContain(clients.length); // twice: it is tried again just when it is lost
  });
});
