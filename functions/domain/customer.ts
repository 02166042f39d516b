/** A customer as its coordinator holds it. */
import type { ConfigView } from "../../schema/http/config.ts";
import type { CustomerId } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import type { Resources } from "../../schema/messages/to-coordinator.ts";
import type { Tier } from "../../schema/status.ts";
import type { TierLimits } from "../../schema/tiers.ts";
import type { Policy } from "./workload.ts";

export interface WorkloadType {
  readonly workloadType: string;
  readonly config: Json;
  readonly resources: Resources;
  readonly policy: Policy;
}

export interface Customer {
  readonly customerId: CustomerId;
  readonly tier: Tier;
  readonly limits: TierLimits;
  readonly suspended: boolean;
  readonly types: ReadonlyMap<string, WorkloadType>;
}

export const withType = (customer: Customer, type: WorkloadType): Customer => ({
  ...customer,
  types: new Map([...customer.types, [type.workloadType, type]]),
});

export const withoutType = (customer: Customer, workloadType: string): Customer => ({
  ...customer,
  types: new Map([...customer.types].filter(([name]) => name !== workloadType)),
});

/** What coordinators decide by, of all that a customer has registered. */
export const typeOf = (view: ConfigView): WorkloadType => ({
  workloadType: view.workload_type,
  config: view.config_json,
  resources: view.resource_limits,
  policy: {
    maxRetries: view.max_retries,
    retryBaseMs: view.retry_backoff.base_ms,
    retryCapMs: view.retry_backoff.cap_ms,
    timeoutSeconds: view.timeout_seconds,
    checkpointIntervalSec: view.checkpoint_interval_sec,
    checkpointProgressPercent: view.checkpoint_progress_percent,
  },
});
