/** What a hostile worker with valid credentials can do on a real broker: what its own work needs, and nothing else. */
import { createUser } from "@nats-io/nkeys";
import { type ConnectionOptions, connect, Events, jwtAuthenticator, type Msg, type NatsConnection } from "nats.ws";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Broker } from "../../functions/broker/broker.ts";
import { createMint } from "../../functions/broker/credentials.ts";
import { natsBroker } from "../../functions/broker/nats.ts";
import { makeNatsAuthority } from "../../infra/local/nats-authority.ts";
import { workerSubscriptionsMax } from "../../schema/limits.ts";
import { encodeMessage, protocolVersion } from "../../schema/messages/envelope.ts";
import * as subjects from "../../schema/messages/subjects.ts";
import type { ToCoordinator } from "../../schema/messages/to-coordinator.ts";
import { connectAsCoordinator, connectAsObserver, connectAsWorker, mintOf } from "../support/broker-client.ts";
import { startNats, type TestNats } from "../support/nats.ts";
import { Occurrences } from "../support/occurrences.ts";
import { testIds } from "../support/scripted-coordinator.ts";

const [hostile, victim] = [testIds.worker(), testIds.worker()];
const inboxOf = (worker: typeof victim) => subjects.workerInbox("default", worker);

let nats: TestNats;
let broker: Broker;
let coordinator: NatsConnection;
let enemy: NatsConnection;
let bystander: NatsConnection;
/** Everything that the broker delivers, to anybody. */
const delivered = new Occurrences<string>();
const denied = new Occurrences<string>();
const taken = new Occurrences<{ sender: string; message: ToCoordinator }>();
const unreadable = new Occurrences<string>();

beforeAll(async () => {
  nats = await startNats();
  const login = () => mintOf(nats).coordinator("default");
  const options = { servers: nats.url, pool: "default", login, messageId: () => testIds.message(), now: Date.now };
  const subscriptions = [subjects.anyEventsSubject("default"), subjects.anyStatusSubject("default")];
  broker = await natsBroker(options)(
    subscriptions.map((subject) => ({ subject, queueGroup: subjects.coordinatorQueueGroup })),
    {
      message: async (sender, message) => {
        taken.add({ sender, message });
        return { type: "goodbye.ack", payload: {} };
      },
      unreadable: (problem) => unreadable.add(problem),
      connected: () => undefined,
      disconnected: () => undefined,
    },
  );
  coordinator = await connectAsCoordinator(nats);
  enemy = await connectAsWorker(nats, hostile);
  bystander = await connectAsWorker(nats, victim);
  const observer = await connectAsObserver(nats);
  observer.subscribe(">", { callback: (_, { subject }) => delivered.add(subject) });
  bystander.subscribe(subjects.commandsSubject("default", victim));
  bystander.subscribe(subjects.below(inboxOf(victim)));
  await Promise.all([observer.flush(), bystander.flush()]);
  void noteDenials(enemy);
});

afterAll(async () => {
  await Promise.all([broker.close(), coordinator.close(), enemy.close(), bystander.close()]);
  await nats.stop();
});

async function noteDenials(connection: NatsConnection): Promise<void> {
  for await (const { permissionContext } of connection.status()) {
    if (permissionContext !== undefined) denied.add(`${permissionContext.operation} ${permissionContext.subject}`);
  }
}

async function noteErrors(connection: NatsConnection, errors: Occurrences<string>): Promise<void> {
  for await (const { type, data } of connection.status()) if (type === Events.Error) errors.add(String(data));
}

const encoded = (type: string, payload: unknown): Uint8Array =>
  encodeMessage({
    ...{ message_id: testIds.message(), type, version: protocolVersion, timestamp: new Date().toISOString() },
    ...{ sender_id: victim, sender_type: "worker", payload },
  });
const goodbye = (worker_id: string) => encoded("worker.goodbye", { worker_id });

/** The enemy's legitimate way works: all that it sent before has been dealt with, too. */
const askAsOneself = () =>
  enemy.request(subjects.eventsSubject("default", hostile), goodbye(hostile), { timeout: 20_000 });

describe("a worker", () => {
  test("asks the coordinator, hears its broadcasts, and answers a command once", async () => {
    expect(new TextDecoder().decode((await askAsOneself()).data)).toContain("goodbye.ack");
    const broadcasts = new Occurrences<Msg>();
    enemy.subscribe(subjects.broadcastSubject("default"), { callback: (_, message) => broadcasts.add(message) });
    const subject = subjects.commandsSubject("default", hostile);
    const commands = enemy.subscribe(subject, {
      callback: (_, message) => {
        for (const _ of [1, 2]) message.respond("yes");
      },
    });
    await enemy.flush();
    coordinator.publish(subjects.broadcastSubject("default"), "hear, hear");
    await broadcasts.until(() => true);
    const { subject: inbox, data } = await coordinator.request(subject);
    expect(new TextDecoder().decode(data)).toBe("yes");
    await denied.until((what) => what === `publish ${inbox}`);
    commands.unsubscribe();
  });

  const forbiddenEars = [
    ">",
    "niyanta.>",
    "niyanta.default.>",
    "*.*.*.*.*",
    "_INBOX.>",
    "$SYS.>",
    subjects.commandsSubject("default", victim),
    subjects.anyCommandsSubject("default"),
    subjects.below(inboxOf(victim)),
    subjects.anyInboxSubject("default"),
    subjects.below(subjects.coordinatorInbox("default")),
    subjects.eventsSubject("default", victim),
    subjects.eventsSubject("default", hostile),
    subjects.anyEventsSubject("default"),
    subjects.statusSubject("default", victim),
    subjects.anyStatusSubject("default"),
    subjects.broadcastSubject("gpu"),
    subjects.commandsSubject("gpu", hostile),
    subjects.below(subjects.workerInbox("gpu", hostile)),
  ];

  test.each(forbiddenEars)("does not hear %s", async (subject) => {
    const heard = new Occurrences<string>();
    for (const queue of [undefined, subjects.coordinatorQueueGroup]) {
      const callback = (error: Error | null, message: Msg) => void (error === null && heard.add(message.subject));
      enemy.subscribe(subject, queue === undefined ? { callback } : { callback, queue });
    }
    await denied.until((what) => what === `subscription ${subject}`);
    coordinator.publish(subjects.commandsSubject("default", victim), "for the victim only");
    coordinator.publish(`${inboxOf(victim)}.reply`, "for the victim only");
    bystander.publish(subjects.statusSubject("default", victim), "from the victim");
    bystander.publish(subjects.eventsSubject("default", victim), "from the victim");
    await Promise.all([coordinator.flush(), bystander.flush()]);
    await askAsOneself();
    expect(heard.all).toEqual([]);
  });

  const forbiddenWords = [
    subjects.eventsSubject("default", victim),
    subjects.statusSubject("default", victim),
    subjects.commandsSubject("default", victim),
    subjects.commandsSubject("default", hostile),
    subjects.broadcastSubject("default"),
    `${inboxOf(victim)}.reply`,
    `${inboxOf(hostile)}.reply`,
    `${subjects.coordinatorInbox("default")}.reply`,
    subjects.eventsSubject("gpu", hostile),
    subjects.statusSubject("gpu", hostile),
    "niyanta.default.coordinator.events",
    "_INBOX.anybody",
    "$SYS.REQ.SERVER.PING",
  ];

  test.each(forbiddenWords)("says nothing on %s", async (subject) => {
    const from = delivered.all.length;
    enemy.publish(subject, goodbye(victim));
    await denied.until((what) => what === `publish ${subject}`);
    await askAsOneself();
    const ownSubject = subjects.eventsSubject("default", hostile);
    await delivered.until((one) => one.startsWith(inboxOf(hostile)));
    expect(delivered.all.slice(from).filter((one) => one !== ownSubject && !one.startsWith(inboxOf(hostile)))).toEqual(
      [],
    );
  });

  test.each([
    subjects.commandsSubject("default", victim),
    `${inboxOf(victim)}.reply`,
    subjects.broadcastSubject("gpu"),
  ])("does not make the coordinator speak on %s", async (reply) => {
    const from = delivered.all.length;
    enemy.publish(subjects.eventsSubject("default", hostile), goodbye(hostile), { reply });
    enemy.publish(subjects.eventsSubject("default", hostile), "no message at all", { reply });
    await unreadable.until((problem) => problem.includes(reply));
    await askAsOneself();
    expect(delivered.all.slice(from)).not.toContain(reply);
  });

  test("is known by its subject, whatever its message says", async () => {
    await enemy.request(subjects.eventsSubject("default", hostile), goodbye(victim), { timeout: 20_000 });
    const { sender } = await taken.until(({ message }) => message.payload.worker_id === victim);
    expect(sender).toBe(hostile);
  });

  test("listens no more often than its work needs", async () => {
    const greedy = await connectAsWorker(nats, hostile, { reconnect: false });
    const refusals = new Occurrences<string>();
    const subject = subjects.commandsSubject("default", hostile);
    for (let made = 0; made <= workerSubscriptionsMax; made += 1) greedy.subscribe(subject);
    void noteErrors(greedy, refusals);
    await refusals.until(() => true);
    await greedy.close();
  });
});

describe("nobody gets in", () => {
  const refused = (options: ConnectionOptions) =>
    expect(connect({ servers: nats.url, reconnect: false, ...options })).rejects.toMatchObject({
      code: expect.stringMatching(/^AUTH/),
    });
  const key = createUser();
  const loginOf = (jwt: string) => ({ authenticator: jwtAuthenticator(jwt, key.getSeed()) });
  const own = () => mintOf(nats).worker("default", hostile, key.getPublicKey()).jwt;

  test("but whose credentials are good", async () => {
    const connection = await connect({ servers: nats.url, ...loginOf(own()) });
    await connection.close();
  });

  test("without credentials, or with a name and a password", async () => {
    await refused({});
    await refused({ user: "admin", pass: "admin" });
    await refused({ token: "token" });
  });

  test("with credentials that have expired", async () => {
    const { signingSeed: accountSeed, account } = nats.authority;
    const now = () => Date.now() - 120_000;
    const past = createMint({ accountSeed, account, workerSeconds: 60, now, jwtId: () => "past" });
    await refused(loginOf(past.worker("default", hostile, key.getPublicKey()).jwt));
  });

  test("with credentials of another account, or in its name with another key", async () => {
    const other = await makeNatsAuthority();
    await refused(loginOf(mintOf({ authority: other }).worker("default", hostile, key.getPublicKey()).jwt));
    const impostor = { ...other, account: nats.authority.account };
    await refused(loginOf(mintOf({ authority: impostor }).worker("default", hostile, key.getPublicKey()).jwt));
  });

  test("with credentials that say more than was signed", async () => {
    const [header, payload = "", signature] = own().split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString());
    claims.nats.sub.allow = [">"];
    const more = Buffer.from(JSON.stringify(claims)).toString("base64url");
    await refused(loginOf(`${header}.${more}.${signature}`));
  });

  test("with somebody else's credentials, without the key that they are for", async () => {
    const { jwt } = mintOf(nats).worker("default", victim, createUser().getPublicKey());
    await refused(loginOf(jwt));
    await refused({ authenticator: () => ({ jwt, nkey: "", sig: "" }) });
  });
});
