/** Why a workload is in the state that it is in: exactly one rule, the one that would have to give way for it to move on. */
import type { ExplainRule } from "../../schema/http/explain.ts";
import type { CustomerId } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import type { WorkloadEventType, WorkloadStatus } from "../../schema/status.ts";
import type { DemandItem } from "./demand.ts";
import { explainObstacle, isLasting } from "./explain-obstacle.ts";
import { explainSettled, fieldOf, iso } from "./explain-settled.ts";
import type { Obstacle } from "./obstacle.ts";
import type { Actor, Workload } from "./workload.ts";

export interface Explanation {
  readonly rule: ExplainRule;
  readonly message: string;
  readonly details: Json;
}

/** Asked of its pool. */
export interface OutlookRequest {
  readonly customerId: CustomerId;
  readonly item: DemandItem;
}

/** What its pool says of a workload that waits. */
export interface Outlook {
  /** Null: a worker that fits has a free slot. */
  readonly obstacle: Obstacle | null;
  /** A slot is promised to it already, or the pool has it in mind and will give it one in its next pass. */
  readonly isNext: boolean;
}

/** The audit event that brought the workload where it is; times in milliseconds. */
export interface Recorded {
  readonly eventType: WorkloadEventType;
  readonly generation: number;
  readonly actor: Actor;
  readonly at: number;
  readonly details: Json;
}

export interface Question {
  readonly workload: Workload;
  readonly customer: { readonly suspended: boolean; readonly runningMax: number; readonly heldCount: number };
  /** Null for what does not wait. */
  readonly outlook: Outlook | null;
  /** Workloads of its customer that are due and stand before it. */
  readonly ahead: number;
  /** Null: none is known. */
  readonly recorded: Recorded | null;
  readonly now: number;
}

/** Of which event an explanation tells who, when and why; null: of none. */
export function eventToRecall({ status, retryCount, dueAt }: Workload): WorkloadEventType | null {
  if (status === "PENDING" && retryCount > 0 && dueAt !== null) return "workload.retry_scheduled";
  return recalled[status] ?? null;
}

const recalled: Partial<Record<WorkloadStatus, WorkloadEventType>> = {
  PAUSED: "workload.paused",
  FAILED: "workload.failed",
  CANCELLED: "workload.cancelled",
};

export function explain(question: Question): Explanation {
  return byStatus[question.workload.status](question);
}

/** Not to be started yet: put off at its submission, or by the backoff of a retry. */
export const isNotDue = ({ status, dueAt }: Workload, now: number): boolean =>
  status === "PENDING" && dueAt !== null && dueAt > now;

/** The more lasting a rule is the earlier it is named: what it would take to start stands first. */
function explainWaiting(question: Question): Explanation {
  const { workload, customer, outlook, now } = question;
  if (customer.suspended) return { rule: "CUSTOMER_SUSPENDED", message: "the customer is suspended", details: {} };
  if (isNotDue(workload, now)) return explainDelay(question);
  const obstacle = outlook?.obstacle ?? null;
  if (obstacle !== null && isLasting(obstacle)) return explainObstacle(workload, obstacle);
  if (customer.heldCount >= customer.runningMax) return explainCap(customer);
  if (obstacle !== null) return explainObstacle(workload, obstacle);
  return explainTurn(question);
}

function explainDelay({ workload, recorded }: Question): Explanation {
  const dueAt = iso(workload.dueAt ?? 0);
  if (workload.retryCount === 0)
    return { rule: "NOT_DUE", message: `not to be started before ${dueAt}`, details: { due_at: dueAt } };
  const details = { due_at: dueAt, retry: workload.retryCount, error: fieldOf(recorded, "error") };
  return { rule: "RETRY_BACKOFF", message: `its next try is due at ${dueAt}, after a failed one`, details };
}

function explainCap({ heldCount: running, runningMax: cap }: Question["customer"]): Explanation {
  const message = `the customer runs ${running} workloads at once, and may run ${cap}`;
  return { rule: "CUSTOMER_CAP", message, details: { running, cap } };
}

function explainTurn({ outlook, ahead }: Question): Explanation {
  if (outlook?.isNext === true || ahead === 0)
    return { rule: "BEING_PLACED", message: "a free slot is just being given to it", details: {} };
  const message = `it could run, and ${ahead} workloads of its customer go first`;
  return { rule: "BEHIND_OTHERS", message, details: { ahead } };
}

const byStatus: Readonly<Record<WorkloadStatus, (question: Question) => Explanation>> = {
  ...explainSettled,
  PENDING: explainWaiting,
  REDISTRIBUTING: explainWaiting,
};
