/** The end of the agent's process: nothing that it started outlives it, and nothing that hangs keeps it. */
import { setTimeout as wait } from "node:timers/promises";
import type { ProcessGroups } from "./execution/process-groups.ts";
import type { ThreadPool } from "./execution/thread-pool.ts";
import { departureCheckMs, departureMsMax } from "./limits.ts";
import type { AgentLog } from "./log.ts";

/** Requests to the pool of threads that file operations and name look-ups share. */
const pooledRequest = /^FSReq|^GetAddrInfo/;

export interface DepartureParts {
  readonly threads: ThreadPool;
  readonly groups: ProcessGroups;
  readonly log: AgentLog;
}

export class Departure {
  readonly #parts: DepartureParts;
  #isBegun = false;

  constructor(parts: DepartureParts) {
    this.#parts = parts;
  }

  /**
   * Ends the process with this code; only the first call counts. A regular exit waits for every thread, and for ever
   * where a system call in one does not return: then SIGKILL, after a bound.
   */
  async leave(code: number): Promise<void> {
    if (this.#isBegun) return;
    this.#isBegun = true;
    this.#endWork();
    for (let waitedMs = 0; waitedMs < departureMsMax; waitedMs += departureCheckMs) {
      if (this.#canExit()) this.#exit(code);
      await wait(departureCheckMs);
    }
    this.#kill(code);
  }

  #endWork(): void {
    this.#parts.groups.killAll();
    this.#parts.threads.endAll();
  }

  #canExit(): boolean {
    return (
      this.#parts.threads.alive === 0 && !process.getActiveResourcesInfo().some((name) => pooledRequest.test(name))
    );
  }

  #exit(code: number): never {
    this.#parts.log.flush();
    process.exit(code);
  }

  /** No exit handler runs: what came meanwhile is ended here. */
  #kill(code: number): void {
    this.#endWork();
    const threads = this.#parts.threads.alive;
    this.#parts.log.error({ threads, exit_code: code }, "something does not return: the agent ends by SIGKILL");
    this.#parts.log.flush();
    process.kill(process.pid, "SIGKILL");
  }
}
