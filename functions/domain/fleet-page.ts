/** What the API asks a pool about its workers, and what it answers. */
import type { WorkerView } from "../../schema/http/worker.ts";
import type { WorkerId } from "../../schema/ids.ts";
import type { WorkerStatus } from "../../schema/status.ts";

/** Newest id first. Null: any. */
export interface FleetQuery {
  readonly before: WorkerId | null;
  readonly status: WorkerStatus | null;
  readonly workerId: WorkerId | null;
  readonly limit: number;
}

export interface FleetPage {
  /** The ids of all that are there, whatever was asked. */
  readonly live: readonly WorkerId[];
  readonly workers: readonly WorkerView[];
}
