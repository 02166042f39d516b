/** The intake over NATS on a WebSocket; the only file that knows the library. */
import { type ConnectionOptions, connect, ErrorCode, Events, type Msg, type NatsConnection, NatsError } from "nats.ws";
import type { Pool } from "../../schema/affinity.ts";
import type { IdSource, WorkerId } from "../../schema/ids.ts";
import { brokerConnectSecondsMax, brokerPingSeconds, brokerPingsOutMax } from "../../schema/limits.ts";
import { decodeMessage, type Envelope, encodeMessage, protocolVersion } from "../../schema/messages/envelope.ts";
import { broadcastSubject, commandsSubject, eventsSubject, statusSubject } from "../../schema/messages/subjects.ts";
import { coordinatorReplySchema, type ToCoordinator } from "../../schema/messages/to-coordinator.ts";
import { toWorkerSchema } from "../../schema/messages/to-worker.ts";
import type { Clock } from "../clock.ts";
import { reconnectBackoffBaseMs, reconnectBackoffCapMs } from "../limits.ts";
import type { Channel, CommandHandler, Intake, RequestOutcome } from "./intake.ts";
import { withBrokerSockets } from "./socket.ts";

export interface NatsSettings {
  readonly url: string;
  readonly credentials: Pick<ConnectionOptions, "user" | "pass" | "token">;
  readonly pool: Pool;
  readonly workerId: WorkerId;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly random: () => number;
}

export class NatsIntake implements Intake {
  readonly #settings: NatsSettings;
  #connection: NatsConnection | null = null;
  #lostAt: number | null = null;
  /** Fires when the connection of this moment is lost, so that nobody waits for a reply that cannot come. */
  #lost = new AbortController();

  constructor(settings: NatsSettings) {
    this.#settings = settings;
  }

  async open(handler: CommandHandler, signal: AbortSignal): Promise<void> {
    const connecting = connect(withBrokerSockets(this.#options()));
    signal.addEventListener("abort", () => void connecting.then((late) => late.close(), ignoreLateFailure));
    const connection = await Promise.race([connecting, aborted(signal)]);
    this.#connection = connection;
    this.#lostAt = null;
    this.#listen(connection, handler);
    void this.#watch(connection, handler);
    await connection.flush();
  }

  async request(channel: Channel, message: ToCoordinator, timeoutMs: number, signal: AbortSignal) {
    const connection = this.#connection;
    if (connection === null) return failed("not connected yet");
    const lost = this.#lost.signal;
    const stop = AbortSignal.any([signal, lost]);
    if (stop.aborted) return failed(lost.aborted ? "the connection is lost" : "stopped");
    return new Promise<RequestOutcome>((resolve) => {
      const onStop = () => resolve(failed(lost.aborted ? "the connection was lost" : "stopped"));
      stop.addEventListener("abort", onStop, { once: true });
      const settled = (outcome: RequestOutcome) => {
        stop.removeEventListener("abort", onStop);
        resolve(outcome);
      };
      connection.request(this.#subject(channel), encodeMessage(this.#envelope(message)), { timeout: timeoutMs }).then(
        (reply) => settled(outcomeOf(reply)),
        (error) => settled(failure(error)),
      );
    });
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }

  #options(): ConnectionOptions {
    return {
      servers: this.#settings.url,
      ...this.#settings.credentials,
      name: this.#settings.workerId,
      waitOnFirstConnect: true,
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

  #listen(connection: NatsConnection, handler: CommandHandler): void {
    const { pool, workerId } = this.#settings;
    connection.subscribe(commandsSubject(pool, workerId), {
      callback: (error, message) => {
        if (error === null) this.#command(handler, message);
      },
    });
    connection.subscribe(broadcastSubject(pool), {
      callback: (error, message) => {
        if (error === null) handler.broadcast(decodeMessage(message.data, toWorkerSchema));
      },
    });
  }

  #command(handler: CommandHandler, message: Msg): void {
    const decoded = decodeMessage(message.data, toWorkerSchema);
    const { reply, after } = handler.command(decoded);
    const correlation = decoded.ok ? { correlation_id: decoded.envelope.message_id } : {};
    message.respond(encodeMessage({ ...this.#envelope(reply), ...correlation }));
    after?.();
  }

  /** Runs for as long as the connection lives; the iterator ends when it is closed for good. */
  async #watch(connection: NatsConnection, handler: CommandHandler): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === Events.Disconnect) this.#lost.abort();
      if (status.type !== Events.Reconnect) continue;
      this.#lostAt = null;
      this.#lost = new AbortController();
      handler.reconnected();
    }
    this.#lost.abort();
  }

  #subject(channel: Channel): string {
    const { pool, workerId } = this.#settings;
    return channel === "events" ? eventsSubject(pool) : statusSubject(pool, workerId);
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

const failed = (problem: string): RequestOutcome => ({ kind: "failed", problem });

function outcomeOf(message: Msg): RequestOutcome {
  const decoded = decodeMessage(message.data, coordinatorReplySchema);
  return decoded.ok ? { kind: "reply", reply: decoded.message } : failed(decoded.problem);
}

function failure(error: unknown): RequestOutcome {
  if (error instanceof NatsError && error.code === ErrorCode.NoResponders) return { kind: "no_responders" };
  if (error instanceof NatsError && error.code === ErrorCode.Timeout) return { kind: "timeout" };
  return failed(error instanceof Error ? error.message : String(error));
}

const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });

/** The agent ended while it still tried to connect: that attempt's failure concerns nobody. */
const ignoreLateFailure = () => undefined;
