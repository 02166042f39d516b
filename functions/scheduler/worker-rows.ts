/** Keeps the rows of workers in Postgres: one statement for what changed, never one for a heartbeat. */
import type { WorkerId } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import type { Registration } from "../../schema/messages/to-coordinator.ts";
import type { WorkerEventType, WorkerStatus } from "../../schema/status.ts";
import { createLane } from "../lane.ts";
import { type PoolStore, StoreRejected, type WorkerRecord } from "../store/store.ts";
import type { Log } from "../telemetry/log.ts";

export interface WorkerRowsDeps {
  readonly pool: string;
  readonly store: PoolStore;
  readonly now: () => number;
  readonly log: Log;
  readonly registration: (workerId: WorkerId) => Registration | null;
  readonly background: (work: Promise<unknown>) => void;
  /** Another scheduler leads this pool: this one has to end. */
  readonly giveUp: () => void;
}

type Change = Parameters<PoolStore["putWorkers"]>[2][number];

const changesMax = 10_000;
const retryMs = 2_000;

export class WorkerRows {
  readonly #deps: WorkerRowsDeps;
  readonly #lane = createLane();
  #changes: Change[] = [];
  #epoch: number | null = null;

  constructor(deps: WorkerRowsDeps) {
    this.#deps = deps;
  }

  /** `event` null: the status alone. A worker that never registered has no row. */
  put(workerId: WorkerId, status: WorkerStatus, event: WorkerEventType | null, details: Json): void {
    const registration = this.#deps.registration(workerId);
    if (registration !== null) this.putRecord(recordOf(registration, status), event, details);
  }

  /** Of a worker that may not be here any more. */
  putRecord(worker: WorkerRecord, event: WorkerEventType | null, details: Json): void {
    if (this.#changes.length >= changesMax) return;
    this.#changes.push({ worker, event, details });
    if (this.#changes.length === 1) this.#deps.background(this.#lane.run(() => this.#write()));
  }

  /** Repeats until it is written: the fleet goes on without its rows, they follow. */
  async #write(): Promise<void> {
    const { log } = this.#deps;
    const changes = this.#changes;
    this.#changes = [];
    try {
      await this.#put(changes);
    } catch (error) {
      log.warn({ err: error, changes: changes.length }, "rows of workers wait");
      await new Promise((resolve) => setTimeout(resolve, retryMs));
      this.#changes.unshift(...changes);
      this.#deps.background(this.#lane.run(() => this.#write()));
    }
  }

  /** One that Postgres will never take must not hold up the others: each is tried by itself, and that one is given up. */
  async #put(changes: readonly Change[]): Promise<void> {
    const { store, pool, now, log, giveUp } = this.#deps;
    try {
      this.#epoch ??= await store.leadPool(pool);
      const outcome = await store.putWorkers(pool, this.#epoch, changes, now());
      if (outcome.kind === "not_leader") giveUp();
    } catch (error) {
      if (!(error instanceof StoreRejected)) throw error;
      if (changes.length > 1) for (const change of changes) await this.#put([change]);
      else log.error({ err: error, worker_id: changes[0]?.worker.workerId }, "the row of a worker cannot be stored");
    }
  }
}

const recordOf = (registration: Registration, status: WorkerStatus): WorkerRecord => ({
  workerId: registration.worker_id,
  pool: registration.pool,
  status,
  capabilities: registration.capabilities,
  slots: registration.slots,
  tags: registration.tags,
  version: registration.version,
});
