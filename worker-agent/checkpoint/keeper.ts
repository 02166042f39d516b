/** Decides when an attempt's state is saved: by time, by progress, and before it stops. */
import type { Assignment } from "../../schema/messages/assignment.ts";
import type { Running } from "../execution/running.ts";
import { type CheckpointMark, type CheckpointPolicy, dueByProgress, dueByTime } from "./policy.ts";
import type { CheckpointSaver } from "./saver.ts";

export class CheckpointKeeper {
  readonly #policy: CheckpointPolicy;
  readonly #isResumed: boolean;
  readonly #saver: CheckpointSaver;
  readonly #warn: (message: string) => void;
  #mark: CheckpointMark = { at: 0, percent: 0 };
  /** Null before the first report. */
  #percent: number | null = null;
  #isAsking = false;

  constructor(assignment: Assignment, saver: CheckpointSaver, warn: (message: string) => void) {
    this.#policy = {
      intervalMs: assignment.checkpoint_interval_sec * 1_000,
      progressPercent: assignment.checkpoint_progress_percent,
    };
    this.#isResumed = assignment.checkpoint !== null;
    this.#saver = saver;
    this.#warn = warn;
  }

  started(now: number): void {
    this.#mark = { at: now, percent: 0 };
  }

  pulse(running: Running, now: number): void {
    if (dueByTime(this.#policy, this.#mark, now)) this.#saveByPolicy(running, now);
  }

  progressed(running: Running, percent: number, now: number): void {
    // The first report of a resumed workload says where it stands, not what it has done since.
    if (this.#percent === null && this.#isResumed) this.#mark = { ...this.#mark, percent };
    this.#percent = percent;
    if (dueByProgress(this.#policy, this.#mark, percent)) this.#saveByPolicy(running, now);
  }

  /** The code saves by itself: the policy counts from here. */
  saveNow(state: Uint8Array, now: number): Promise<void> {
    this.#mark = { at: now, percent: this.#percent ?? 0 };
    return this.#saver.save(state);
  }

  /** Returns when the state is taken, or does not come within the bound; the saving goes on. */
  async saveLast(running: Running, boundMs: number): Promise<void> {
    const state = await within(boundMs, running.state());
    if (state !== null) void this.#saver.save(state).catch((error) => this.#warn(notKept(error)));
  }

  /** One at a time: a state that does not come must not pile up questions. */
  #saveByPolicy(running: Running, now: number): void {
    if (this.#isAsking || this.#saver.isBusy) return;
    this.#mark = { at: now, percent: this.#percent ?? 0 };
    this.#isAsking = true;
    void this.#take(running)
      .catch((error) => this.#warn(notKept(error)))
      .finally(() => {
        this.#isAsking = false;
      });
  }

  async #take(running: Running): Promise<void> {
    const state = await running.state();
    if (state !== null) await this.#saver.save(state);
  }
}

const notKept = (error: unknown) =>
  `the checkpoint was not kept: ${error instanceof Error ? error.message : String(error)}`;

function within<T>(ms: number, asked: Promise<T>): Promise<T | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(null), ms);
    void asked.then((answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}
