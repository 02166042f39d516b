/** The contract of the broker: it carries, and is allowed to lose everything. */
import type { CoordinatorReply, ToCoordinator } from "../../schema/messages/to-coordinator.ts";
import type { ToWorker, WorkerReply } from "../../schema/messages/to-worker.ts";

/** `no_responders`: nobody listens there; `no_answer`: silence, or words that are none, until the time-out. */
export type BrokerAnswer = WorkerReply | { type: "no_responders" } | { type: "no_answer"; problem: string };

export interface Broker {
  connected(): boolean;
  /** Never throws: what went wrong is the answer. `timeoutMs` bounds the wait. */
  request(subject: string, message: ToWorker, timeoutMs: number): Promise<BrokerAnswer>;
  /** To everybody who listens; silently dropped while not connected. */
  broadcast(subject: string, message: ToWorker): void;
  close(): Promise<void>;
}

export interface BrokerListener {
  /** A worker's message that parsed; the reply goes back when it comes. */
  message(message: ToCoordinator): Promise<CoordinatorReply>;
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
