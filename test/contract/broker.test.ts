/** The coordinator's side of the broker, on a real server: what it answers when a worker, or the broker itself, is gone. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Broker, BrokerListener, ConnectBroker } from "../../functions/broker/broker.ts";
import { createMint } from "../../functions/broker/credentials.ts";
import { natsBroker } from "../../functions/broker/nats.ts";
import { coordinatorCredentialSeconds, inputBytesMax } from "../../schema/limits.ts";
import {
  anyEventsSubject,
  anyStatusSubject,
  commandsSubject,
  coordinatorQueueGroup,
  eventsSubject,
  statusSubject,
} from "../../schema/messages/subjects.ts";
import type { ToWorker } from "../../schema/messages/to-worker.ts";
import { connectAsWorker, mintOf, sayAsWorker } from "../support/broker-client.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { type Ending, endings, type NatsWay, startWay } from "../support/nats-way.ts";
import { Occurrences } from "../support/occurrences.ts";
import { newAssignment, testIds } from "../support/scripted-coordinator.ts";

const rollCall = { type: "roll_call" as const, payload: {} };
const workerId = testIds.worker();
const goodbye = { type: "worker.goodbye" as const, payload: { worker_id: workerId } };
const subject = commandsSubject("default", workerId);
/** Longer than a test may take: no answer here comes from this bound. */
const patienceMs = 3_600_000;
const failsafeMs = 30_000;
const answerMsMax = 500;
/** The client tries again every quarter of a second. */
const severalTriesMs = 900;

/** Together more than the kernel takes of what nobody reads. */
const largeMessages = 40;
const largeMessage: ToWorker = {
  type: "assign",
  payload: { assignments: [newAssignment({ input: "x".repeat(inputBytesMax - 2) })] },
};

let nats: TestNats;
let broker: Broker;
let heard: Occurrences<"connected" | "disconnected">;

const listener: BrokerListener = {
  message: () => Promise.reject(new Error("nobody speaks here")),
  unreadable: () => undefined,
  connected: () => heard.add("connected"),
  disconnected: () => heard.add("disconnected"),
};

/** Hears every worker, and lets each go. */
const hearing: BrokerListener = { ...listener, message: async () => ({ type: "goodbye.ack", payload: {} }) };
/** As the scheduler listens. */
const ears = [anyEventsSubject("default"), anyStatusSubject("default")].map((heardOn) => ({
  subject: heardOn,
  queueGroup: coordinatorQueueGroup,
}));

function connectTo(servers: string, ...listening: Partial<Parameters<ConnectBroker>>): Promise<Broker> {
  const login = () => mintOf(nats).coordinator("default");
  const options = { servers, pool: "default", login, messageId: () => testIds.message(), now: Date.now };
  const [subscriptions = [], heardBy = listener] = listening;
  return natsBroker(options)(subscriptions, heardBy);
}

beforeEach(async () => {
  heard = new Occurrences();
  nats = await startNats();
  broker = await connectTo(nats.url);
});

afterEach(async () => {
  await broker.close();
  await nats.stop();
});

test("a worker that is not there is told from one that says nothing", async () => {
  expect(await broker.request(subject, rollCall, patienceMs)).toEqual({ type: "no_responders" });
});

test("a request whose answer can no longer come is not waited for", async () => {
  const worker = await connectAsWorker(nats, workerId, { reconnect: false });
  const requests = worker.subscribe(subject)[Symbol.asyncIterator]();
  await worker.flush();
  const answer = broker.request(subject, rollCall, patienceMs);
  await requests.next();
  await nats.kill();
  expect(await answer).toMatchObject({ type: "no_answer" });
});

test("a request that is made while the broker is away goes out when it is back", async () => {
  await nats.kill();
  await heard.until((what) => what === "disconnected");
  const answer = broker.request(subject, rollCall, patienceMs);
  await nats.start();
  expect(await answer).toEqual({ type: "no_responders" });
});

test("a request while the broker stays away is not waited for beyond its bound", async () => {
  await nats.kill();
  await heard.until((what) => what === "disconnected");
  expect(await broker.request(subject, rollCall, 50)).toMatchObject({ type: "no_answer" });
});

test("a request that was given up while the broker was away is not sent when it is back", async () => {
  const worker = await connectAsWorker(nats, workerId, { maxReconnectAttempts: -1, reconnectTimeWait: 10 });
  const received = new Occurrences<string>();
  worker.subscribe(subject, { callback: (_, message) => received.add(new TextDecoder().decode(message.data)) });
  await worker.flush();
  await nats.kill();
  await heard.until((what) => what === "disconnected");
  await broker.request(subject, { type: "stop", payload: { items: [] } }, 50);
  const again = heard.next((what) => what === "connected");
  await nats.start();
  await again;
  await worker.flush();
  void broker.request(subject, rollCall, patienceMs);
  expect(await received.until(() => true)).toContain("roll_call");
  await worker.close();
});

test("a broker that falls silent on an open connection is noticed, and nobody waits for it", async () => {
  const worker = await connectAsWorker(nats, workerId, { reconnect: false });
  const requests = worker.subscribe(subject)[Symbol.asyncIterator]();
  await worker.flush();
  const answer = broker.request(subject, rollCall, patienceMs);
  await requests.next();
  await nats.freeze();
  expect(await answer).toMatchObject({ type: "no_answer" });
  expect(heard.all).toEqual(["connected", "disconnected"]);
});

test("a broker that falls silent is left, though much was on its way to it", async () => {
  const worker = await connectAsWorker(nats, workerId, { reconnect: false });
  const requests = worker.subscribe(subject)[Symbol.asyncIterator]();
  await worker.flush();
  const small = broker.request(subject, rollCall, patienceMs);
  await requests.next();
  await nats.freeze();
  const large = Array.from({ length: largeMessages }, () => broker.request(subject, largeMessage, patienceMs));
  for (const answer of await Promise.all([small, ...large])) expect(answer).toMatchObject({ type: "no_answer" });
});

test("a broker that comes back serves again", async () => {
  await nats.kill();
  await heard.until((what) => what === "disconnected");
  const again = heard.next((what) => what === "connected");
  await nats.start();
  await again;
  expect(await broker.request(subject, rollCall, patienceMs)).toEqual({ type: "no_responders" });
});

describe.each(Object.keys(endings) as Ending[])("a connection that is %s as soon as it is made", (ending) => {
  const isServed = async (way: NatsWay, served: Broker) => {
    await expect.poll(() => served.answers(answerMsMax), { timeout: failsafeMs }).toBe(true);
    expect(await served.request(subject, rollCall, patienceMs)).toEqual({ type: "no_responders" });
    const worker = await connectAsWorker(nats, workerId, { reconnect: false });
    for (const channel of [eventsSubject("default", workerId), statusSubject("default", workerId)])
      expect(await sayAsWorker(worker, channel, goodbye)).toMatchObject({ type: "goodbye.ack" });
    await worker.close();
    await served.close();
    way.stop();
  };

  test("is followed by another, when it was the first", { timeout: failsafeMs }, async () => {
    const way = await startWay(nats, [ending]);
    await isServed(way, await connectTo(way.url, ears, hearing));
  });

  test("is followed by another, when it came after a loss", { timeout: failsafeMs }, async () => {
    const way = await startWay(nats, [null, ending]);
    const served = await connectTo(way.url, ears, hearing);
    const lost = heard.next((what) => what === "disconnected");
    way.cut();
    await lost;
    await isServed(way, served);
  });
});

describe("whether the broker is there", () => {
  test("is denied while it is gone, and confirmed when it is back", async () => {
    expect([broker.connected(), await broker.answers(patienceMs)]).toEqual([true, true]);
    await nats.kill();
    await heard.until((what) => what === "disconnected");
    expect([broker.connected(), broker.closed(), await broker.answers(patienceMs)]).toEqual([false, false, false]);
    expect(await broker.connectedWithin(50)).toBe(false);
    const back = broker.connectedWithin(patienceMs);
    await nats.start();
    expect([await back, broker.connected(), await broker.answers(patienceMs)]).toEqual([true, true, true]);
  });

  test("is denied at once to whoever asks it, when it has fallen silent, and later to everybody", async () => {
    await nats.freeze();
    expect(await broker.answers(50)).toBe(false);
    const early = broker.answers(patienceMs);
    await heard.until((what) => what === "disconnected");
    expect([await early, broker.connected()]).toEqual([false, false]);
  });

  test("is told once for each loss and each return, however many tries lie between them", async () => {
    await nats.kill();
    await heard.until((what) => what === "disconnected");
    expect(await broker.connectedWithin(severalTriesMs)).toBe(false);
    await nats.start();
    expect(await broker.connectedWithin(patienceMs)).toBe(true);
    const lost = heard.next((what) => what === "disconnected");
    await nats.kill();
    await lost;
    expect(heard.all).toEqual(["connected", "disconnected", "connected", "disconnected"]);
  });

  test("is over when it is closed", async () => {
    await broker.close();
    expect([broker.connected(), broker.closed(), await broker.answers(patienceMs)]).toEqual([false, true, false]);
  });
});

test("a login that expires is followed by another one", async () => {
  const [accountSeed, account] = [nats.authority.signingSeed, nats.authority.account];
  const past = () => Date.now() - (coordinatorCredentialSeconds - 1) * 1_000;
  const expiring = createMint({ accountSeed, account, workerSeconds: 60, now: past, jwtId: () => "expiring" });
  const logins = [expiring.coordinator("default")];
  const own = new Occurrences<"connected" | "disconnected">();
  const other = await natsBroker({
    ...{ servers: nats.url, pool: "default", messageId: () => testIds.message(), now: Date.now },
    login: () => logins.shift() ?? mintOf(nats).coordinator("default"),
  })([], { ...listener, connected: () => own.add("connected"), disconnected: () => own.add("disconnected") });
  await own.until((what) => what === "disconnected");
  await own.next((what) => what === "connected");
  expect(await other.request(subject, rollCall, patienceMs)).toEqual({ type: "no_responders" });
  await other.close();
});
