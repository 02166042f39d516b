/** Who waits for a workload to give its slot back; they go on waiting when one session follows another. */
import type { WorkloadId } from "../../schema/ids.ts";
import { isHeld } from "../../schema/status.ts";
import type { Change } from "../domain/workload.ts";

export class Settling {
  readonly #waiting = new Map<WorkloadId, Set<() => void>>();

  /** Resolves when a written step has freed its slot, or after `ms`. */
  freed(id: WorkloadId, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(id) ?? new Set();
      this.#waiting.set(id, waiting);
      const end = () => {
        clearTimeout(timer);
        waiting.delete(end);
        if (waiting.size === 0 && this.#waiting.get(id) === waiting) this.#waiting.delete(id);
        resolve();
      };
      const timer = setTimeout(end, ms);
      waiting.add(end);
    });
  }

  /** For every step that was written. */
  tell({ next }: Change): void {
    if (isHeld(next.status)) return;
    for (const end of [...(this.#waiting.get(next.workloadId) ?? [])]) end();
  }
}
