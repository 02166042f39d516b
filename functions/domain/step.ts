/** One step of a workload's life as data: what it was decided on, what it leads to, and the audit entries of both. */
import type { WorkloadEventType } from "../../schema/status.ts";
import type { Actor, AuditEntry, Change, Workload } from "./workload.ts";

/** `random` in [0, 1): the jitter of a backoff. */
export interface Moment {
  readonly now: number;
  readonly random: number;
}

/** fenced: an older generation speaks. duplicate: it is so already. refused: not possible in this state. */
export type Decision =
  | { kind: "change"; change: Change }
  | { kind: "fenced" }
  | { kind: "duplicate" }
  | { kind: "refused"; reason: string };

export const duplicate: Decision = { kind: "duplicate" };
export const refusedAs = ({ status }: Workload): Decision => ({ kind: "refused", reason: `is ${status}` });

export type Extras = Partial<Pick<Change, "result" | "error" | "checkpoints">>;
export type AuditDraft = readonly [eventType: WorkloadEventType, actor: Actor, details?: AuditEntry["details"]];

export function step(
  from: Workload,
  next: Workload,
  at: number,
  audit: readonly AuditDraft[],
  extras: Extras = {},
): Change {
  const entries = audit.map(([eventType, actor, details = {}]) => ({
    eventType,
    actor,
    generation: next.generation,
    at,
    details,
  }));
  const { generation, status } = from;
  return { from: { generation, status }, next, audit: entries, checkpoints: [], ...extras };
}

/** The slot is given back; who held it is remembered for the next placement. */
export const withoutWorker = (workload: Workload): Workload => ({
  ...workload,
  workerId: null,
  lastWorkerId: workload.workerId ?? workload.lastWorkerId,
});

export const fencedOff = (workload: Workload): Workload => ({ ...workload, generation: workload.generation + 1 });

export const ended = (workload: Workload, status: "COMPLETED" | "FAILED" | "CANCELLED", now: number): Workload => ({
  ...withoutWorker(workload),
  status,
  completedAt: now,
});

/** Two steps of one workload as one: checked on the first's origin, written as the second's end, audited as both. */
export function fold(first: Change, second: Change): Change {
  return {
    ...first,
    ...second,
    from: first.from,
    audit: [...first.audit, ...second.audit],
    checkpoints: [...first.checkpoints, ...second.checkpoints],
  };
}
