/** The contract of the agent's way to the broker: requests out, commands and broadcasts in. */
import type { Decoded } from "../../schema/messages/envelope.ts";
import type { CoordinatorReply, ToCoordinator } from "../../schema/messages/to-coordinator.ts";
import type { ToWorker, WorkerReply } from "../../schema/messages/to-worker.ts";

/** Which of the coordinator's ears a request is for. */
export type Channel = "events" | "status";

export type RequestOutcome =
  | { readonly kind: "reply"; readonly reply: CoordinatorReply }
  /** Nobody listens: the coordinator sleeps and wants to be woken. */
  | { readonly kind: "no_responders" }
  | { readonly kind: "timeout" }
  /** The connection went away, or the reply was not understood. */
  | { readonly kind: "failed"; readonly problem: string };

export interface CommandHandler {
  /** Its answer leaves before `after` runs. */
  command(message: Decoded<ToWorker>): { readonly reply: WorkerReply; readonly after?: () => void };
  broadcast(message: Decoded<ToWorker>): void;
  reconnected(): void;
}

export interface Intake {
  /** Connects, for as long as it takes, and listens. Rejects only when the signal fires. */
  open(handler: CommandHandler, signal: AbortSignal): Promise<void>;
  /** Never rejects; ends early as `failed` when the signal fires. */
  request(channel: Channel, message: ToCoordinator, timeoutMs: number, signal: AbortSignal): Promise<RequestOutcome>;
  close(): Promise<void>;
}
