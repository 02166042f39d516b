/** The intake over NATS on a WebSocket, under credentials that are renewed while it works. */
import { type ConnectionOptions, connect, jwtAuthenticator, type Msg, type NatsConnection } from "nats.ws";
import type { Pool } from "../../schema/affinity.ts";
import type { IdSource, WorkerId } from "../../schema/ids.ts";
import { brokerConnectSecondsMax, brokerPingSeconds, brokerPingsOutMax } from "../../schema/limits.ts";
import { decodeMessage, type Envelope, encodeMessage, protocolVersion } from "../../schema/messages/envelope.ts";
import { broadcastSubject, commandsSubject, eventsSubject, statusSubject } from "../../schema/messages/subjects.ts";
import type { ToCoordinator } from "../../schema/messages/to-coordinator.ts";
import { toWorkerSchema } from "../../schema/messages/to-worker.ts";
import type { Clock } from "../clock.ts";
import { reconnectBackoffBaseMs, reconnectBackoffCapMs, renewalPauseMs } from "../limits.ts";
import type { AgentLog } from "../log.ts";
import type { CredentialSource, Credentials } from "./enrolment.ts";
import type { Channel, CommandHandler, Intake } from "./intake.ts";
import { failed, NatsLine } from "./nats-line.ts";
import { pause } from "./pause.ts";
import { withBrokerSockets } from "./socket.ts";

/** As long as a connection may take. */
const flushMsMax = brokerConnectSecondsMax * 1_000;

export interface NatsSettings {
  /** Null: the credentials say where the broker is. */
  readonly url: string | null;
  readonly source: CredentialSource;
  readonly pool: Pool;
  readonly workerId: WorkerId;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly random: () => number;
  readonly log: AgentLog;
}

export class NatsIntake implements Intake {
  readonly #settings: NatsSettings;
  #line: NatsLine | null = null;
  #newest: Credentials | null = null;
  #lostAt: number | null = null;
  /** Fires when the credentials are to be renewed before their time. */
  #unwelcome = new AbortController();

  constructor(settings: NatsSettings) {
    this.#settings = settings;
  }

  async open(handler: CommandHandler, signal: AbortSignal): Promise<void> {
    const first = await this.#settings.source.enrol(signal);
    this.#newest = first;
    void this.#stayWelcome(handler, first, signal).catch((error: unknown) => this.#ended(error, signal));
    this.#line = await unlessAborted(this.#untilConnected(first, handler, signal), signal);
  }

  async #untilConnected(first: Credentials, handler: CommandHandler, signal: AbortSignal): Promise<NatsLine> {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await this.#connected(this.#newest ?? first, handler);
      } catch (error) {
        this.#settings.log.warn({ err: error }, "the broker cannot be reached yet");
        await pause(this.#reconnectDelayMs(), signal);
      }
    }
  }

  async request(channel: Channel, message: ToCoordinator, timeoutMs: number, signal: AbortSignal) {
    if (this.#line === null) return failed("not connected yet");
    return this.#line.request(this.#subject(channel), encodeMessage(this.#envelope(message)), timeoutMs, signal);
  }

  async close(): Promise<void> {
    await this.#line?.close();
  }

  #options(credentials: Credentials): ConnectionOptions {
    const { url, source, workerId } = this.#settings;
    return {
      servers: url ?? credentials.natsUrl,
      // Also when the library connects again by itself: with whatever was fetched last.
      authenticator: jwtAuthenticator(() => (this.#newest ?? credentials).jwt, source.seed),
      // Credentials that were refused are replaced by others: the next try may succeed.
      ignoreAuthErrorAbort: true,
      inboxPrefix: credentials.inboxPrefix,
      name: workerId,
      maxReconnectAttempts: -1,
      timeout: brokerConnectSecondsMax * 1_000,
      pingInterval: brokerPingSeconds * 1_000,
      maxPingOut: brokerPingsOutMax,
      reconnectDelayHandler: () => this.#reconnectDelayMs(),
    };
  }

  /** In proportion to the time that it is away; the library asks more often than it tries, so tries do not count. */
  #reconnectDelayMs(): number {
    const now = this.#settings.clock.monotonic();
    this.#lostAt ??= now;
    const stepMs = Math.min(reconnectBackoffCapMs, Math.max(reconnectBackoffBaseMs, (now - this.#lostAt) / 2));
    return Math.round((stepMs * (1 + this.#settings.random())) / 2);
  }

  /** Resolves when the broker knows what is listened to. Throws when it cannot be reached, or does not say so in time. */
  async #connected(credentials: Credentials, handler: CommandHandler): Promise<NatsLine> {
    const line = this.#listening(await connect(withBrokerSockets(this.#options(credentials))), handler);
    try {
      await line.flush(flushMsMax);
    } catch (error) {
      void line.close(); // or it would try for ever to come back
      throw error;
    }
    this.#lostAt = null;
    return line;
  }

  #listening(connection: NatsConnection, handler: CommandHandler): NatsLine {
    const line: NatsLine = new NatsLine(connection, {
      reconnected: () => {
        this.#lostAt = null;
        handler.reconnected();
      },
      unwelcome: () => {
        if (this.#line !== line) return;
        this.#settings.log.warn("the broker does not take these credentials any more");
        this.#unwelcome.abort();
      },
    });
    const { pool, workerId } = this.#settings;
    line.listen(commandsSubject(pool, workerId), (message) => this.#command(handler, message));
    line.listen(broadcastSubject(pool), ({ data }) => handler.broadcast(decodeMessage(data, toWorkerSchema)));
    return line;
  }

  /** New credentials come before the old ones expire, and a new connection before the old one is closed. */
  async #stayWelcome(handler: CommandHandler, first: Credentials, signal: AbortSignal): Promise<never> {
    for (let { renewAt } = first; ; ) {
      await pause(renewalPauseMs, signal);
      const waitMs = Math.max(0, renewAt - this.#settings.clock.monotonic());
      await pause(waitMs, AbortSignal.any([signal, this.#unwelcome.signal]));
      const credentials = await this.#settings.source.renew(signal);
      this.#unwelcome = new AbortController();
      this.#newest = credentials;
      renewAt = credentials.renewAt;
      await this.#changeOver(handler, credentials, signal);
    }
  }

  /** When the broker is away just now, the old connection comes back by itself, with the new credentials. */
  async #changeOver(handler: CommandHandler, credentials: Credentials, signal: AbortSignal): Promise<void> {
    const old = this.#line;
    if (old === null) return; // it still connects for the first time, and will do so with these
    try {
      this.#line = await unlessAborted(this.#connected(credentials, handler), signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#settings.log.warn({ err: error }, "the broker could not be reached with the new credentials");
      return;
    }
    if (old.isLost) handler.reconnected();
    await old.retire(flushMsMax);
    this.#settings.log.debug("connected with new credentials");
  }

  #ended(error: unknown, signal: AbortSignal): void {
    if (!signal.aborted) this.#settings.log.error({ err: error }, "the credentials are not renewed any more");
  }

  #command(handler: CommandHandler, message: Msg): void {
    const decoded = decodeMessage(message.data, toWorkerSchema);
    const { reply, after } = handler.command(decoded);
    const correlation = decoded.ok ? { correlation_id: decoded.envelope.message_id } : {};
    message.respond(encodeMessage({ ...this.#envelope(reply), ...correlation }));
    after?.();
  }

  #subject(channel: Channel): string {
    const { pool, workerId } = this.#settings;
    return channel === "events" ? eventsSubject(pool, workerId) : statusSubject(pool, workerId);
  }

  #envelope(message: { readonly type: string; readonly payload: unknown }): Envelope {
    const { clock, ids, workerId } = this.#settings;
    return {
      message_id: ids.message(),
      type: message.type,
      version: protocolVersion,
      timestamp: new Date(clock.wall()).toISOString(),
      sender_id: workerId,
      sender_type: "worker",
      payload: message.payload,
    };
  }
}

/** The line that comes; when the agent ends before it does, that is thrown, and the line is closed if it still comes. */
async function unlessAborted(coming: Promise<NatsLine>, signal: AbortSignal): Promise<NatsLine> {
  const come = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const leave = () => {
      reject(signal.reason);
      void coming.then((late) => late.close(), ignoreLateFailure);
    };
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { signal: come.signal });
  });
  try {
    return await Promise.race([coming, aborted]);
  } finally {
    come.abort();
  }
}

/** The agent ended while it still tried to connect: that attempt's failure concerns nobody. */
const ignoreLateFailure = () => undefined;
