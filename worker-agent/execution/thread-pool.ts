/** Keeps a few idle threads warm, so that an attempt does not wait for one to start. */
import { Worker } from "node:worker_threads";
import { idleThreadMsMax, idleThreadsMax, threadMemoryMbDefault } from "../limits.ts";
import type { ToThread } from "./thread-messages.ts";

const entry = new URL("./thread-entry.ts", import.meta.url);

export interface PooledThread {
  readonly worker: Worker;
  readonly memoryMb: number;
}
interface Idle {
  readonly thread: PooledThread;
  readonly expiry: NodeJS.Timeout;
}

export class ThreadPool {
  readonly #env: NodeJS.ProcessEnv;
  #idle: Idle[] = [];
  #closed = false;

  /** `env`: what user code may see of the agent's environment. */
  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** Starts one idle thread of the usual size with these modules loaded, ahead of the first attempt. */
  warm(modules: readonly string[]): void {
    const thread = this.#start(threadMemoryMbDefault);
    const message: ToThread = { kind: "warm", modules };
    thread.worker.postMessage(message);
    this.give(thread);
  }

  take(memoryMb: number | null): PooledThread {
    const wanted = memoryMb ?? threadMemoryMbDefault;
    const found = this.#idle.findLast(({ thread }) => thread.memoryMb === wanted);
    if (found === undefined) return this.#start(wanted);
    this.#forget(found.thread);
    return found.thread;
  }

  /** Takes back a thread that ended cleanly. */
  give(thread: PooledThread): void {
    if (this.#closed || this.#idle.length >= idleThreadsMax) this.end(thread);
    else this.#keep(thread);
  }

  #keep(thread: PooledThread): void {
    thread.worker.unref();
    const expiry = setTimeout(() => this.end(thread), idleThreadMsMax).unref();
    this.#idle.push({ thread, expiry });
    thread.worker.once("error", () => this.#forget(thread)).once("exit", () => this.#forget(thread));
  }

  end(thread: PooledThread): void {
    this.#forget(thread);
    // Its exit is told by the event of that name; the promise says nothing more.
    void thread.worker.terminate();
  }

  close(): void {
    this.#closed = true;
    for (const { thread } of this.#idle) this.end(thread);
  }

  #forget(thread: PooledThread): void {
    for (const idle of this.#idle) if (idle.thread === thread) clearTimeout(idle.expiry);
    this.#idle = this.#idle.filter((idle) => idle.thread !== thread);
    thread.worker.removeAllListeners();
  }

  #start(memoryMb: number): PooledThread {
    const worker = new Worker(entry, {
      env: this.#env,
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    });
    return { worker, memoryMb };
  }
}
