/** The process groups that the agent has started and not yet seen end: none may outlive it. */

export class ProcessGroups {
  readonly #groups = new Set<number>();

  add(pid: number): void {
    this.#groups.add(pid);
  }

  /** Signals a whole group, as long as it is known to be ours. */
  signal(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
    if (this.#groups.has(pid)) send(pid, signal);
  }

  /** Its leader has exited: what is left of the group is ended, and its number is nobody's any more. */
  end(pid: number): void {
    this.signal(pid, "SIGKILL");
    this.#groups.delete(pid);
  }

  killAll(): void {
    for (const pid of this.#groups) this.end(pid);
  }
}

function send(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // No such process: it has ended already, which is what was wanted.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
