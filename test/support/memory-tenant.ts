/** One customer in a memory, and how its submissions are admitted. */
import type { Operated, RateState, SubmitRequest, SubmittedWorkload } from "../../functions/coordinator/gateway.ts";
import { admit } from "../../functions/domain/admission.ts";
import type { Refusal } from "../../functions/domain/refusal.ts";
import { type TokenBucket, tokensAt } from "../../functions/domain/token-bucket.ts";
import type { AuditView, LogView } from "../../functions/store/store.ts";
import type { WorkloadView } from "../../schema/http/workload.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import type { TierLimits } from "../../schema/tiers.ts";

export interface Kept {
  view: WorkloadView;
  readonly audit: AuditView[];
  readonly logs: LogView[];
}

export interface Used {
  readonly bodySha256: string;
  readonly submitted: readonly SubmittedWorkload[];
}

export interface Tenant {
  readonly limits: TierLimits;
  readonly types: readonly string[];
  bucket: TokenBucket;
  readonly workloads: Map<WorkloadId, Kept>;
  readonly used: Map<string, Used>;
  /** By idempotency key. */
  readonly answered: Map<string, { readonly bodySha256: string; readonly operated: Operated }>;
}

export function admitTo(tenant: Tenant, { bodies }: SubmitRequest, now: number): Refusal | null {
  for (const [item, { workload_type: workloadType }] of bodies.entries()) {
    if (!tenant.types.includes(workloadType)) return { kind: "unknown_workload_type", workloadType, item };
  }
  const { limits, bucket } = tenant;
  const queuedCount = [...tenant.workloads.values()].filter(({ view }) => view.status === "PENDING").length;
  const admission = admit({ queuedCount, limits, items: bodies.length, bucket, slotsFreedPerSecond: null, now });
  if (!admission.ok) return admission.refusal;
  tenant.bucket = admission.bucket;
  return null;
}

export function rateOf({ limits, bucket }: Tenant, now: number): RateState {
  if (limits.submitsPerSecond === null) return { limit: null, remaining: 0, resetSeconds: 0 };
  const rate = { ratePerSecond: limits.submitsPerSecond, burst: limits.submitBurst };
  return { limit: rate.burst, remaining: Math.floor(tokensAt(bucket, now, rate)), resetSeconds: 1 };
}
