/** Keeps a few idle threads warm, so that an attempt does not wait for one to start. */
import { idleThreadMsMax, idleThreadsMax, threadMemoryMbDefault } from "../limits.ts";
import { PooledThread } from "./pooled-thread.ts";

interface Idle {
  readonly thread: PooledThread;
  readonly expiry: NodeJS.Timeout;
}

export class ThreadPool {
  readonly #env: NodeJS.ProcessEnv;
  /** All that exist, also those that were told to end and cannot. */
  readonly #alive = new Set<PooledThread>();
  #idle: Idle[] = [];
  #closed = false;

  /** `env`: what user code may see of the agent's environment. */
  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  get alive(): number {
    return this.#alive.size;
  }

  /** Starts one idle thread of the usual size with these modules loaded, ahead of the first attempt. */
  warm(modules: readonly string[]): void {
    const thread = this.#make(threadMemoryMbDefault);
    thread.post({ kind: "warm", modules });
    this.give(thread);
  }

  take(memoryMb: number | null): PooledThread {
    const wanted = memoryMb ?? threadMemoryMbDefault;
    const thread = this.#idle.findLast((idle) => idle.thread.memoryMb === wanted)?.thread;
    if (thread !== undefined) this.#forget(thread);
    return thread ?? this.#make(wanted);
  }

  /** Takes back a thread that ended cleanly. */
  give(thread: PooledThread): void {
    if (this.#closed || this.#idle.length >= idleThreadsMax) this.end(thread);
    else this.#keep(thread);
  }

  end(thread: PooledThread): void {
    this.#forget(thread);
    thread.setListener(null);
    // Its end is nobody's concern any more.
    void thread.terminate();
  }

  close(): void {
    this.#closed = true;
    for (const { thread } of this.#idle) this.end(thread);
  }

  /** Ends every thread, whatever it runs. */
  endAll(): void {
    this.#closed = true;
    for (const thread of this.#alive) this.end(thread);
  }

  #make(memoryMb: number): PooledThread {
    const thread = new PooledThread(memoryMb, this.#env, (gone) => this.#alive.delete(gone));
    this.#alive.add(thread);
    return thread;
  }

  /** An idle thread may still die of what an earlier attempt left in it. */
  #keep(thread: PooledThread): void {
    const forget = () => this.#forget(thread);
    thread.setListener({ message: () => undefined, error: forget, exit: forget });
    thread.setBusy(false);
    this.#idle.push({ thread, expiry: setTimeout(() => this.end(thread), idleThreadMsMax).unref() });
  }

  #forget(thread: PooledThread): void {
    for (const idle of this.#idle) if (idle.thread === thread) clearTimeout(idle.expiry);
    this.#idle = this.#idle.filter((idle) => idle.thread !== thread);
  }
}
