/** The watchers of one customer, found by what they watch; rebuilt from their sockets when the object comes back to mind. */
import type { WorkloadId } from "../../schema/ids.ts";
import { Watcher, type WatchSocket } from "./watcher.ts";

export class Watchers {
  readonly #bySocket = new Map<WatchSocket, Watcher>();
  readonly #byWorkload = new Map<WorkloadId | null, Set<Watcher>>();

  constructor(sockets: Iterable<WatchSocket>, now: () => number) {
    for (const socket of sockets) this.add(socket, Watcher.awake(socket, now));
  }

  get count(): number {
    return this.#bySocket.size;
  }

  all(): Watcher[] {
    return [...this.#bySocket.values()];
  }

  /** Null: those of all workloads. */
  of(workloadId: WorkloadId | null): Iterable<Watcher> {
    return this.#byWorkload.get(workloadId) ?? [];
  }

  by(socket: WatchSocket): Watcher | undefined {
    return this.#bySocket.get(socket);
  }

  add(socket: WatchSocket, watcher: Watcher): void {
    const { workloadId } = watcher.state;
    const same = this.#byWorkload.get(workloadId) ?? new Set();
    this.#byWorkload.set(workloadId, same.add(watcher));
    this.#bySocket.set(socket, watcher);
  }

  remove(socket: WatchSocket): void {
    const watcher = this.#bySocket.get(socket);
    if (watcher === undefined) return;
    this.#bySocket.delete(socket);
    const same = this.#byWorkload.get(watcher.state.workloadId);
    same?.delete(watcher);
    if (same?.size === 0) this.#byWorkload.delete(watcher.state.workloadId);
  }

  /** Those that were closed, or whose client has gone. */
  forgetClosed(): void {
    for (const [socket, watcher] of this.#bySocket) if (!watcher.isOpen) this.remove(socket);
  }
}
