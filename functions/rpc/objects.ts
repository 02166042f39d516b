/** What the Durable Objects answer by RPC, as far as others than themselves rely on it. */

import type { Answer, CoordinatorGateway, SubmitRequest, SubmittedWorkload } from "../coordinator/gateway.ts";
import type { PoolLink } from "../coordinator/session.ts";
import type { CoordinatorLink } from "../scheduler/pool.ts";

export type CancelRequest = Parameters<CoordinatorGateway["cancel"]>[1];

/** One customer's coordinator; it knows its customer by its own name. */
export interface CustomerObject extends CoordinatorLink {
  submit(request: SubmitRequest): Promise<Answer<readonly SubmittedWorkload[]>>;
  cancel(request: CancelRequest): Promise<Answer<null>>;
}

/** One pool's scheduler; it knows its pool by its own name. */
export interface PoolObject extends PoolLink {
  wake(): Promise<void>;
  health(): Promise<{ broker: boolean; leader: boolean }>;
  metricsText(): Promise<string>;
  tick(): Promise<void>;
}

/** The part of a Durable Object namespace that is used. */
export interface ObjectNamespace<T> {
  getByName(name: string): T;
}
