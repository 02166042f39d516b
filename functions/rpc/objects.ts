/** What the Durable Objects answer by RPC, as far as others than themselves rely on it. */

import type { UsageView } from "../../schema/http/customer.ts";
import type { ExplanationView } from "../../schema/http/explain.ts";
import type { WorkerId, WorkloadId } from "../../schema/ids.ts";
import type { WorkloadStatus } from "../../schema/status.ts";
import type {
  Answer,
  Directed,
  DirectRequest,
  Operated,
  OperateRequest,
  SubmitRequest,
  SubmittedWorkload,
  WorkerRecord,
} from "../coordinator/gateway.ts";
import type { PoolLink } from "../coordinator/session.ts";
import type { ChangeKind } from "../domain/directory-change.ts";
import type { FleetPage, FleetQuery } from "../domain/fleet-page.ts";
import type { CoordinatorLink } from "../scheduler/pool.ts";

/** One customer's coordinator; it knows its customer by its own name. */
export interface CustomerObject extends CoordinatorLink {
  submit(request: SubmitRequest): Promise<Answer<readonly SubmittedWorkload[]>>;
  operate(request: OperateRequest): Promise<Answer<Operated>>;
  direct<K extends ChangeKind>(request: DirectRequest<K>): Promise<Answer<Directed<K>>>;
  usage(): Promise<Answer<UsageView>>;
  fetch(url: string, init: RequestInit): Promise<Response>;
  settled(workloadId: WorkloadId, ms: number): Promise<Answer<WorkloadStatus | null>>;
  explain(workloadId: WorkloadId): Promise<Answer<ExplanationView>>;
}

/** One pool's scheduler; it knows its pool by its own name. */
export interface PoolObject extends PoolLink {
  wake(): Promise<void>;
  isRemoved(worker: WorkerId): Promise<boolean>;
  fleet(query: FleetQuery): Promise<FleetPage>;
  drain(worker: WorkerId): Promise<boolean>;
  remove(worker: WorkerRecord): Promise<void>;
  health(): Promise<{ broker: boolean; leader: boolean }>;
  metricsText(): Promise<string>;
  tick(): Promise<void>;
}

/** The part of a Durable Object namespace that is used. */
export interface ObjectNamespace<T> {
  getByName(name: string): T;
}
