/** The broker over NATS WebSockets; the only file here that knows the client library. */
import {
  type ConnectionOptions,
  connect,
  ErrorCode,
  Events,
  jwtAuthenticator,
  type Msg,
  type NatsConnection,
  NatsError,
} from "nats.ws";
import type { Pool } from "../../schema/affinity.ts";
import { brokerConnectSecondsMax, brokerPingSeconds, brokerPingsOutMax } from "../../schema/limits.ts";
import { decodeMessage, encodeMessage, protocolVersion } from "../../schema/messages/envelope.ts";
import { coordinatorInbox, isOwnInbox, senderOf } from "../../schema/messages/subjects.ts";
import { type CoordinatorReply, toCoordinatorSchema } from "../../schema/messages/to-coordinator.ts";
import { type ToWorker, workerReplySchema } from "../../schema/messages/to-worker.ts";
import { within } from "../within.ts";
import type { Broker, BrokerAnswer, BrokerListener, BrokerSubscription, ConnectBroker } from "./broker.ts";
import type { BrokerLogin } from "./credentials.ts";
import { Line } from "./line.ts";
import { withBrokerSockets } from "./socket.ts";

const reconnectWaitMs = 250;

export interface NatsOptions {
  readonly servers: string;
  readonly pool: Pool;
  /** Asked anew for every connection, so that none begins with a login that is about to expire. */
  readonly login: () => BrokerLogin;
  readonly messageId: () => string;
  readonly now: () => number;
}

type Outgoing = { type: string; payload: unknown };
type Encode = (message: Outgoing, correlationId?: string) => Uint8Array;

const encoder =
  (options: NatsOptions): Encode =>
  (message, correlationId) =>
    encodeMessage({
      message_id: options.messageId(),
      version: protocolVersion,
      timestamp: new Date(options.now()).toISOString(),
      sender_id: `pool:${options.pool}`,
      sender_type: "coordinator",
      ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
      type: message.type,
      payload: message.payload,
    });

const connectionOptions = ({ servers, pool, login }: NatsOptions): ConnectionOptions => ({
  servers,
  name: `pool:${pool}`,
  authenticator: (nonce) => {
    const { jwt, seed } = login();
    return jwtAuthenticator(jwt, seed)(nonce);
  },
  // A broker that does not know our key yet may know it after its own restart.
  ignoreAuthErrorAbort: true,
  inboxPrefix: coordinatorInbox(pool),
  timeout: brokerConnectSecondsMax * 1_000,
  reconnectTimeWait: reconnectWaitMs,
  maxReconnectAttempts: -1,
  // A Durable Object's socket may go without a word: only a missing answer to a ping shows it.
  pingInterval: brokerPingSeconds * 1_000,
  maxPingOut: brokerPingsOutMax,
});

/** Throws when the broker cannot be reached within the time-out; afterwards the client reconnects for ever. */
export const natsBroker =
  (options: NatsOptions): ConnectBroker =>
  async (subscriptions, listener) => {
    const connection = await connect(withBrokerSockets(connectionOptions(options)));
    const encode = encoder(options);
    for (const subscription of subscriptions) subscribe(connection, subscription, listener, encode);
    const line = new Line();
    watch(connection, listener, line);
    listener.connected();
    return adapter(connection, encode, line, options.now);
  };

function adapter(connection: NatsConnection, encode: Encode, line: Line, now: () => number): Broker {
  const isUp = () => line.isUp && !connection.isClosed();
  return {
    connected: isUp,
    closed: () => connection.isClosed(),
    connectedWithin: (timeoutMs) => line.upWithin(timeoutMs),
    answers: (timeoutMs) => (isUp() ? within(timeoutMs, pong(connection)) : Promise.resolve(false)),
    request: async (subject, message, timeoutMs) => {
      const askedAt = now();
      // The library would take a request for a lost connection, and send it whenever there is another one.
      if (!(await line.upWithin(timeoutMs))) return { type: "no_answer", problem: "the broker is away" };
      const leftMs = Math.max(1, timeoutMs - (now() - askedAt));
      return line.untilLost(request(connection, subject, encode(message), leftMs));
    },
    broadcast: (subject, message: ToWorker) => {
      if (isUp()) connection.publish(subject, encode(message));
    },
    close: () => connection.close(),
  };
}

async function pong(connection: NatsConnection): Promise<boolean> {
  await connection.flush();
  return true;
}

async function request(
  connection: NatsConnection,
  subject: string,
  bytes: Uint8Array,
  timeoutMs: number,
): Promise<BrokerAnswer> {
  try {
    const reply = await connection.request(subject, bytes, { timeout: timeoutMs });
    const decoded = decodeMessage(reply.data, workerReplySchema);
    return decoded.ok ? decoded.message : { type: "no_answer", problem: decoded.problem };
  } catch (error) {
    const nobody = error instanceof NatsError && error.code === ErrorCode.NoResponders;
    return nobody ? { type: "no_responders" } : { type: "no_answer", problem: String(error) };
  }
}

function subscribe(
  connection: NatsConnection,
  { subject, queueGroup }: BrokerSubscription,
  listener: BrokerListener,
  encode: Encode,
): void {
  connection.subscribe(subject, {
    queue: queueGroup,
    callback: (error, message) => {
      if (error !== null) listener.unreadable(String(error));
      else void answer(message, listener, encode);
    },
  });
}

async function answer(message: Msg, listener: BrokerListener, encode: Encode): Promise<void> {
  const sender = senderOf(message.subject);
  // A reply is sent with our permissions: it goes to the sender's own inbox, or nowhere.
  if (sender === null || !isOwnInbox(sender, message.reply ?? "")) {
    listener.unreadable(`a message from ${message.subject} whose answer is to go to ${message.reply}`);
    return;
  }
  const decoded = decodeMessage(message.data, toCoordinatorSchema);
  if (!decoded.ok) {
    listener.unreadable(decoded.problem);
    message.respond(encode(invalid(decoded.problem)));
    return;
  }
  const reply = await listener.message(sender.workerId, decoded.message).catch(unserved);
  message.respond(encode(reply, decoded.envelope.message_id));
}

const problemLengthMax = 1_000;

const invalid = (problem: string): CoordinatorReply => ({
  type: "error",
  payload: { code: "invalid", message: problem.slice(0, problemLengthMax), retry: false },
});

const unserved = (error: unknown): CoordinatorReply => ({
  type: "error",
  payload: { code: "unavailable", message: String(error).slice(0, problemLengthMax), retry: true },
});

/** The library speaks of a disconnection for each try that fails, and of as many reconnections in the end. */
async function watch(connection: NatsConnection, listener: BrokerListener, line: Line): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === Events.Reconnect && !line.isUp) {
      line.restore();
      listener.connected();
    } else if (type === Events.Disconnect && line.isUp) {
      line.drop();
      listener.disconnected();
    }
  }
}
