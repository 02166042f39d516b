/** The contract of every isolation: how a job is started, watched, asked to stop and ended by force. */
import type { Json } from "../../schema/json.ts";
import type { AttemptError } from "../../schema/messages/worker-events.ts";
import type { LogLevel } from "../../schema/status.ts";
import type { AbortReason } from "../sdk.ts";

export interface Job {
  readonly workloadId: string;
  readonly generation: number;
  readonly workloadType: string;
  readonly input: Json;
  readonly config: Json;
  /** The last checkpoint in the form of checkpoint/state.ts, or null. */
  readonly state: Uint8Array | null;
}

/** What the running code may ask of the attempt. */
export interface Host {
  progress(percent: number, message: string | null): void;
  log(level: LogLevel, message: string, details?: Json): void;
  /** Resolves when durable; rejects with a `CheckpointError`. */
  save(state: Uint8Array): Promise<void>;
}

export type Ending =
  /** `text`: the result as JSON; null: nothing was returned. */
  | { readonly kind: "returned"; readonly text: string | null; readonly partial: boolean }
  | { readonly kind: "threw"; readonly error: AttemptError }
  | { readonly kind: "killed" };

export interface Running {
  /** Never rejects. */
  readonly ended: Promise<Ending>;
  /** The state of this moment, or null where the job offers none. Never rejects; may never answer. */
  state(): Promise<Uint8Array | null>;
  abort(reason: AbortReason): void;
  /** Ends it without asking; `ended` follows. */
  kill(): void;
}

export interface Runner {
  /** How long an aborted job may take to end by itself, in milliseconds. */
  readonly graceMs: number;
  start(job: Job, host: Host): Running;
}
