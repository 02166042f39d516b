/** A customer as its coordinator holds it. */
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
