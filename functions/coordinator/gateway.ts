/** What the API may ask of a customer's coordinator; the Durable Object implements it, `compose.ts` binds it. */

import type { SubmitBody } from "../../schema/http/submit.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import type { Refusal } from "../domain/refusal.ts";
import type { Actor } from "../domain/workload.ts";

export interface SubmitRequest {
  readonly bodies: readonly SubmitBody[];
  readonly idempotency: { readonly key: string; readonly bodySha256: string } | null;
  readonly actor: Actor;
  readonly traceparent: string | null;
}

/** Times in milliseconds since the epoch. */
export interface SubmittedWorkload {
  readonly workloadId: WorkloadId;
  readonly createdAt: number;
  readonly estimatedStartAt: number | null;
}

/** The bucket a request was counted in, for the X-RateLimit headers; limit null: no rate limit. */
export interface RateState {
  readonly limit: number | null;
  readonly remaining: number;
  /** Seconds until the bucket is full again. */
  readonly resetSeconds: number;
}

/** Serialisable as it is: it crosses an RPC border. */
export type Answer<T> = ({ ok: true; value: T } | { ok: false; refusal: Refusal }) & {
  readonly rate: RateState | null;
};

export interface CoordinatorGateway {
  submit(customerId: string, request: SubmitRequest): Promise<Answer<readonly SubmittedWorkload[]>>;
  cancel(
    customerId: string,
    request: { workloadId: WorkloadId; reason: string | null; actor: Actor },
  ): Promise<Answer<null>>;
}

/** What the API may ask of the pools. */
export interface PoolGateway {
  readonly pools: readonly string[];
  /** Something waits for the coordinator of this pool: connect to the broker and call the roll. */
  wake(pool: string): Promise<void>;
  health(pool: string): Promise<{ broker: boolean; leader: boolean }>;
  /** Prometheus text, version 0.0.4. */
  metrics(): Promise<string>;
}
