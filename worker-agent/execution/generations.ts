/** Remembers the newest generation taken of each workload, for a bounded number of workloads, oldest forgotten first. */
import type { WorkloadId } from "../../schema/ids.ts";
import { generationsRememberedMax } from "../limits.ts";

export class Generations {
  readonly #newest = new Map<WorkloadId, number>();
  readonly #max: number;

  constructor(max = generationsRememberedMax) {
    this.#max = max;
  }

  of(workloadId: WorkloadId): number | null {
    return this.#newest.get(workloadId) ?? null;
  }

  note(workloadId: WorkloadId, generation: number): void {
    this.#newest.delete(workloadId);
    this.#newest.set(workloadId, generation);
    if (this.#newest.size <= this.#max) return;
    const oldest = this.#newest.keys().next();
    if (!oldest.done) this.#newest.delete(oldest.value);
  }
}
