/** The process groups that the agent has started and not yet seen end: none may outlive it, or its lease. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const guardProgram = fileURLToPath(new URL("./group-guard.ts", import.meta.url));

export class ProcessGroups {
  readonly #groups = new Set<number>();
  #guard: ChildProcess | null = null;
  /** What the guard is told first, where it starts later: for how long the groups may run. */
  #allowed: string | null = null;

  add(pid: number): void {
    this.#groups.add(pid);
    this.#guard ??= this.#startGuard();
    this.#tell(`add ${pid}`);
  }

  /** Signals a whole group, as long as it is known to be ours. */
  signal(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
    if (this.#groups.has(pid)) send(pid, signal);
  }

  /** Its leader has exited: what is left of the group is ended, and its number is nobody's any more. */
  end(pid: number): void {
    this.signal(pid, "SIGKILL");
    this.#groups.delete(pid);
    this.#tell(`end ${pid}`);
  }

  /** The worker's lease goes on for so long; without another word the guard then ends what runs. */
  allow(ms: number): void {
    this.#allowed = `allow ${Math.ceil(ms)}`;
    this.#tell(this.#allowed);
  }

  killAll(): void {
    for (const pid of this.#groups) this.end(pid);
  }

  /** In a session of its own, so that what ends the agent does not end it too; it leaves with the agent's pipe. */
  #startGuard(): ChildProcess {
    const stdio = ["pipe", "ignore", "ignore"] as const;
    const guard = spawn(process.execPath, [guardProgram], { stdio: [...stdio], detached: true, env: {} });
    guard.unref();
    guard.stdin?.on("error", () => this.#forgetGuard(guard));
    guard.once("exit", () => this.#forgetGuard(guard));
    guard.once("error", () => this.#forgetGuard(guard));
    if (this.#allowed !== null) guard.stdin?.write(`${this.#allowed}\n`);
    for (const pid of this.#groups) guard.stdin?.write(`add ${pid}\n`);
    return guard;
  }

  /** The next group gets a new guard, which is told of those that run already. */
  #forgetGuard(guard: ChildProcess): void {
    if (this.#guard === guard) this.#guard = null;
  }

  #tell(line: string): void {
    this.#guard?.stdin?.write(`${line}\n`);
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
