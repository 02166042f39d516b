/** One connection to the broker: what is asked over it, whether it stands, and how it is left without losing anything. */
import { ErrorCode, Events, type Msg, type NatsConnection, NatsError, type Subscription } from "nats.ws";
import { decodeMessage } from "../../schema/messages/envelope.ts";
import { coordinatorReplySchema } from "../../schema/messages/to-coordinator.ts";
import type { RequestOutcome } from "./intake.ts";
import { pause } from "./pause.ts";

export interface LineListener {
  /** After the connection was lost and is there again; it listens to the same subjects. */
  reconnected(): void;
  /** The broker does not take the credentials (any more). */
  unwelcome(): void;
}

const unwelcomeCodes: readonly string[] = [ErrorCode.AuthenticationExpired, ErrorCode.AuthorizationViolation];

export class NatsLine {
  readonly #connection: NatsConnection;
  readonly #subscriptions: Subscription[] = [];
  readonly #inFlight = new Set<Promise<RequestOutcome>>();
  /** Fires when the connection of this moment is lost, so that nobody waits for a reply that cannot come. */
  #lost = new AbortController();

  constructor(connection: NatsConnection, listener: LineListener) {
    this.#connection = connection;
    void this.#watch(listener);
  }

  get isLost(): boolean {
    return this.#lost.signal.aborted;
  }

  listen(subject: string, take: (message: Msg) => void): void {
    const callback = (error: Error | null, message: Msg) => {
      if (error === null) take(message);
    };
    this.#subscriptions.push(this.#connection.subscribe(subject, { callback }));
  }

  /**
   * Resolves when the broker has heard all that was said until now. Throws when the connection is lost before, or after
   * `msMax`: what was asked just when it was lost may never be answered.
   */
  flush(msMax: number): Promise<void> {
    return inTime(this.#connection.flush(), msMax);
  }

  request(subject: string, bytes: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<RequestOutcome> {
    const outcome = this.#request(subject, bytes, timeoutMs, signal);
    this.#inFlight.add(outcome);
    void outcome.finally(() => this.#inFlight.delete(outcome));
    return outcome;
  }

  /** Takes nothing new as soon as the broker has heard that (or `msMax` later), waits for the answers, and closes. */
  async retire(msMax: number): Promise<void> {
    if (this.isLost) return this.close();
    const drained = Promise.all(this.#subscriptions.map((subscription) => subscription.drain()));
    await inTime(drained, msMax).catch(() => undefined);
    await Promise.all(this.#inFlight);
    await this.close();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #request(subject: string, bytes: Uint8Array, timeoutMs: number, signal: AbortSignal): Promise<RequestOutcome> {
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
      this.#connection.request(subject, bytes, { timeout: timeoutMs }).then(
        (reply) => settled(outcomeOf(reply)),
        (error) => settled(failure(error)),
      );
    });
  }

  /** Runs for as long as the connection lives; the iterator ends when it is closed for good. */
  async #watch(listener: LineListener): Promise<void> {
    for await (const { type, data } of this.#connection.status()) {
      if (type === Events.Error && unwelcomeCodes.includes(String(data))) listener.unwelcome();
      if (type === Events.Disconnect) this.#lost.abort();
      if (type !== Events.Reconnect) continue;
      this.#lost = new AbortController();
      listener.reconnected();
    }
    this.#lost.abort();
  }
}

async function inTime<T>(coming: Promise<T>, msMax: number): Promise<T> {
  const come = new AbortController();
  const tooLate = pause(msMax, come.signal).then(() => Promise.reject(new Error(`no answer for ${msMax} ms`)));
  try {
    return await Promise.race([coming, tooLate]);
  } finally {
    come.abort();
  }
}

export const failed = (problem: string): RequestOutcome => ({ kind: "failed", problem });

function outcomeOf(message: Msg): RequestOutcome {
  const decoded = decodeMessage(message.data, coordinatorReplySchema);
  return decoded.ok ? { kind: "reply", reply: decoded.message } : failed(decoded.problem);
}

function failure(error: unknown): RequestOutcome {
  if (error instanceof NatsError && error.code === ErrorCode.NoResponders) return { kind: "no_responders" };
  if (error instanceof NatsError && error.code === ErrorCode.Timeout) return { kind: "timeout" };
  return failed(error instanceof Error ? error.message : String(error));
}
