/** A workload as decisions see it: no input, no result, nothing that only a reader needs. Times are milliseconds. */
import type { Affinity, Pool } from "../../schema/affinity.ts";
import type { WorkerId, WorkloadId } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import type { CheckpointNotice } from "../../schema/messages/worker-events.ts";
import type { ActorType, WorkloadEventType, WorkloadStatus } from "../../schema/status.ts";

/** What the type said when the workload was submitted; a later change of the type does not touch it. */
export interface Policy {
  readonly maxRetries: number;
  readonly retryBaseMs: number;
  readonly retryCapMs: number;
  readonly timeoutSeconds: number | null;
  readonly checkpointIntervalSec: number;
  readonly checkpointProgressPercent: number;
}

/**
 * What is to become of a running workload as soon as its worker lets go. It is kept in its row, so neither the worker's
 * death nor a new coordinator forgets it. Times are milliseconds.
 */
export type Intent = Pause | Move;

export interface Pause {
  readonly kind: "pause";
  readonly actor: Actor;
  readonly reason: string | null;
  readonly at: number;
  /** A move that was asked for earlier: it is done too, and what is resumed goes on at the new place. */
  readonly after?: Move;
}

export interface Move {
  readonly kind: "move";
  readonly actor: Actor;
  readonly at: number;
  readonly pool: Pool;
  readonly affinity: Affinity | null;
}

export interface Workload {
  readonly workloadId: WorkloadId;
  readonly workloadType: string;
  readonly pool: Pool;
  readonly status: WorkloadStatus;
  readonly generation: number;
  readonly priority: number;
  /** Place in the customer's queue, lower first (domain/queue-rank.ts). */
  readonly queueRank: number;
  /** Not to be started before; null: at once. */
  readonly dueAt: number | null;
  readonly workerId: WorkerId | null;
  readonly lastWorkerId: WorkerId | null;
  readonly affinity: Affinity | null;
  /** Null in every status but RUNNING. */
  readonly intent: Intent | null;
  /** Of the input as JSON; the input itself is read when it is handed out. */
  readonly inputBytes: number;
  readonly progressPercent: number;
  readonly progressMessage: string | null;
  readonly checkpointSequence: number;
  readonly retryCount: number;
  readonly deathCount: number;
  readonly policy: Policy;
  readonly createdAt: number;
  readonly scheduledAt: number | null;
  readonly startedAt: number | null;
  readonly completedAt: number | null;
}

/** The workload that a new one repeats: its labels and its input are copied, and its checkpoint where that is asked for. */
export interface Origin {
  readonly workloadId: WorkloadId;
  /** The sequence of the checkpoint that the new one starts from; null: from the beginning. */
  readonly checkpointSequence: number | null;
}

/** What a submission adds to it. */
export interface Submission {
  readonly workload: Workload;
  /** Without an origin, which has its own. */
  readonly labels: Readonly<Record<string, string>>;
  /** Without an origin, which has its own. */
  readonly input: Json;
  readonly origin: Origin | null;
  readonly runAt: number | null;
  readonly audit: readonly AuditEntry[];
}

export interface Actor {
  readonly type: ActorType;
  readonly id: string;
}

export interface AuditEntry {
  readonly eventType: WorkloadEventType;
  readonly actor: Actor;
  readonly generation: number;
  readonly at: number;
  readonly details: Json;
}

/** One decided step: applied only where the row still has the generation and status it was decided on. */
export interface Change {
  readonly from: { readonly generation: number; readonly status: WorkloadStatus };
  readonly next: Workload;
  readonly audit: readonly AuditEntry[];
  /** Set when the step ends the workload or an attempt. */
  readonly result?: Json;
  readonly error?: { readonly type: string; readonly message: string };
  /** Checkpoints that become visible with this step; never more than the newest of a batch is read again. */
  readonly checkpoints: readonly CheckpointNotice[];
}
