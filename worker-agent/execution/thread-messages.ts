/** What the agent and its threads say to each other; `run` names the attempt, so that nothing late is mixed up. */
import type { Json } from "../../schema/json.ts";
import type { LogLevel } from "../../schema/status.ts";
import type { AbortReason, CheckpointErrorCode } from "../sdk.ts";
import type { Ending, Job } from "./running.ts";

export type ToThread =
  | { readonly kind: "warm"; readonly modules: readonly string[] }
  | { readonly kind: "run"; readonly run: number; readonly module: string; readonly job: Job }
  | { readonly kind: "abort"; readonly run: number; readonly reason: AbortReason }
  | { readonly kind: "state"; readonly run: number }
  | { readonly kind: "saved"; readonly run: number; readonly save: number; readonly error: SaveError | null };

export interface SaveError {
  readonly code: CheckpointErrorCode;
  readonly message: string;
}

export type FromThread = { readonly run: number } & (
  | { readonly kind: "progress"; readonly percent: number; readonly message: string | null }
  | { readonly kind: "log"; readonly level: LogLevel; readonly message: string; readonly details?: Json }
  | { readonly kind: "save"; readonly save: number; readonly state: Uint8Array }
  | { readonly kind: "state"; readonly state: Uint8Array | null }
  | { readonly kind: "ended"; readonly ending: Ending }
);
