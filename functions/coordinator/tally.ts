/** How many of a customer's workloads hold a slot, and where, and how many wait: exactly, in mind or not. */
import type { Pool } from "../../schema/affinity.ts";
import { isHeld, isQueued, type WorkloadStatus } from "../../schema/status.ts";

export class Tally {
  held = 0;
  queued: number;
  readonly #heldIn = new Map<Pool, number>();

  constructor(queued: number) {
    this.queued = queued;
  }

  heldIn(pool: Pool): number {
    return this.#heldIn.get(pool) ?? 0;
  }

  count(status: WorkloadStatus, pool: Pool, by: 1 | -1): void {
    if (isQueued(status)) this.queued += by;
    if (!isHeld(status)) return;
    this.held += by;
    this.#heldIn.set(pool, this.heldIn(pool) + by);
  }
}
