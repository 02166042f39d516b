/** The contract of the broker: it carries, and is allowed to lose everything. */
import type { WorkerId } from "../../schema/ids.ts";
import type { CoordinatorReply, ToCoordinator } from "../../schema/messages/to-coordinator.ts";
import type { ToWorker, WorkerReply } from "../../schema/messages/to-worker.ts";

/** `no_responders`: nobody listens there; `no_answer`: silence, or words that are none, until the time-out. */
export type BrokerAnswer = WorkerReply | { type: "no_responders" } | { type: "no_answer"; problem: string };

export interface Broker {
  /** The connection stands, as far as is known; while it is lost it comes back by itself. */
  connected(): boolean;
  /** It does not come back any more. */
  closed(): boolean;
  /** False: it did not come back in time. */
  connectedWithin(timeoutMs: number): Promise<boolean>;
  /** Asks the broker itself: what it was told for us before that moment has been heard when this resolves with true. */
  answers(timeoutMs: number): Promise<boolean>;
  /** Never throws: what went wrong is the answer. `timeoutMs` bounds the wait. */
  request(subject: string, message: ToWorker, timeoutMs: number): Promise<BrokerAnswer>;
  /** To everybody who listens; silently dropped while not connected. */
  broadcast(subject: string, message: ToWorker): void;
  close(): Promise<void>;
}

export interface BrokerListener {
  /** A message that parsed, from the worker that the broker let in; the reply goes back when it comes. */
  message(sender: WorkerId, message: ToCoordinator): Promise<CoordinatorReply>;
  /** Bytes that are no message of ours: already answered with an error, to be counted. */
  unreadable(problem: string): void;
  /** Connected, for the first time or again: whoever listens may have changed meanwhile. */
  connected(): void;
  disconnected(): void;
}

export interface BrokerSubscription {
  readonly subject: string;
  readonly queueGroup: string;
}

export type ConnectBroker = (subscriptions: readonly BrokerSubscription[], listener: BrokerListener) => Promise<Broker>;
