/** One attempt from its assignment to its last acknowledged event. */
import type { Json } from "../../schema/json.ts";
import type { Assignment } from "../../schema/messages/assignment.ts";
import type { Held } from "../../schema/messages/to-coordinator.ts";
import type { LogLevel } from "../../schema/status.ts";
import { CheckpointKeeper } from "../checkpoint/keeper.ts";
import { prepareState } from "../checkpoint/prepare.ts";
import { CheckpointSaver } from "../checkpoint/saver.ts";
import { AttemptReport } from "../report/attempt-report.ts";
import { type AbortReason, CheckpointError } from "../sdk.ts";
import type { AttemptParts } from "./attempt-parts.ts";
import { type Conclusion, conclude, type StopReason } from "./conclusion.ts";
import { thrownError } from "./error.ts";
import type { Ending, Host, Runner, Running } from "./running.ts";
import { Stopping } from "./stopping.ts";

/** Made once: without a reason each abort would make an error, with its stack, for every workload. */
const attemptOver = new Error("the attempt is over");

export class Attempt implements Host {
  readonly assignment: Assignment;
  readonly held: Held;
  /** Resolves when neither its code runs any more nor that of an earlier attempt of the same workload. */
  readonly cleared: Promise<void>;
  readonly #parts: AttemptParts;
  readonly #runner: Runner;
  readonly #report: AttemptReport;
  readonly #useless = new AbortController();
  readonly #saver: CheckpointSaver;
  readonly #keeper: CheckpointKeeper;
  #finishOver: () => void = () => undefined;
  #running: Running | null = null;
  #startedAt = 0;
  readonly #stopping = new Stopping();
  #isFenced = false;
  #isOver = false;
  #concluded: Conclusion["kind"] | null = null;

  constructor(assignment: Assignment, runner: Runner, parts: AttemptParts, earlier?: Attempt) {
    this.assignment = assignment;
    this.#runner = runner;
    this.#parts = parts;
    const { customer_id, workload_id, generation } = assignment;
    this.held = { customer_id, workload_id, generation };
    this.#report = new AttemptReport(assignment, parts, {
      fenced: () => this.revoke("fenced"),
      drained: () => this.#drained(),
    });
    this.#saver = new CheckpointSaver(this.#saverParts(), assignment.checkpoint?.sequence ?? 0);
    this.#keeper = new CheckpointKeeper(assignment, this.#saver, (message) => this.log("warn", message));
    const over = new Promise<void>((resolve) => {
      this.#finishOver = resolve;
    });
    this.cleared = earlier === undefined ? over : Promise.all([earlier.cleared, over]).then(() => undefined);
  }

  /** Starts at once where there is no checkpoint to fetch. */
  begin(): void {
    if (this.#isOver) return;
    if (this.assignment.checkpoint === null) this.#start(null);
    else void this.#fetchAndStart();
  }

  /** The coordinator has decided: end it, and give the slot back. */
  revoke(abort: AbortReason): void {
    if (this.#concluded === "released") return;
    this.#report.drop(abort !== "fenced");
    this.#useless.abort(attemptOver);
    if (this.#concluded === null) this.#halt("revoked", abort);
    else this.#tell({ kind: "released" });
  }

  /** The agent's own lease is over: `forceMs` is left until it must have ended. */
  fence(forceMs: number): void {
    if (this.#isOver || this.#isFenced) return;
    this.#isFenced = true;
    const boundMs = Math.min(forceMs, this.#runner.graceMs);
    this.#halt("fenced", "fenced", boundMs);
    // Also where a stronger reason has left it more time than the lease does.
    if (this.#running !== null) this.#stopping.forceIn(boundMs, () => this.#force());
  }

  /** A checkpoint first, then the stop: what is done is not done again. Both together have the time that a stop has. */
  async suspend(stop: "paused" | "draining"): Promise<void> {
    if (this.#isOver || !this.#stopping.raise(stop)) return;
    const { graceMs } = this.#runner;
    const askedAt = this.#parts.clock.monotonic();
    if (this.#running !== null) await this.#keeper.saveLast(this.#running, graceMs / 2);
    const leftMs = Math.max(0, graceMs - (this.#parts.clock.monotonic() - askedAt));
    if (this.#stopping.reason === stop && !this.#isOver) this.#abort(stop, leftMs);
  }

  /** `now`: monotonic milliseconds. */
  pulse(now: number): void {
    if (this.#running === null) return;
    this.#report.pulse();
    const { timeout_seconds } = this.assignment;
    const isLate = timeout_seconds !== null && now - this.#startedAt >= timeout_seconds * 1_000;
    if (isLate) this.#halt("timeout", "timeout");
    if (this.#stopping.reason === null) this.#keeper.pulse(this.#running, now);
  }

  progress(percent: number, message: string | null): void {
    if (this.#isOver) return;
    this.#report.progress(percent, message);
    if (this.#running !== null && this.#stopping.reason === null) {
      this.#keeper.progressed(this.#running, percent, this.#parts.clock.monotonic());
    }
  }

  log(level: LogLevel, message: string, details?: Json): void {
    if (!this.#isOver) this.#report.log(level, message, details);
  }

  async save(state: Uint8Array): Promise<void> {
    if (this.#isOver) throw new CheckpointError("FENCED", "the attempt is over");
    return this.#keeper.saveNow(state, this.#parts.clock.monotonic());
  }

  async #fetchAndStart(): Promise<void> {
    const { coordinator } = this.#parts;
    const prepared = await prepareState(coordinator, this.#address(), this.assignment.checkpoint, this.#signal());
    if (this.#isOver) return;
    if (prepared.kind === "fenced") this.revoke("fenced");
    else if (prepared.kind === "ready") this.#start(prepared.state);
    else if (prepared.kind === "failed") await this.#end({ kind: "threw", error: prepared.error });
  }

  #start(state: Uint8Array | null): void {
    if (this.#stopping.reason !== null) return void this.#end({ kind: "killed" });
    const { workload_id, generation, workload_type, input, config } = this.assignment;
    const job = { workloadId: workload_id, generation, workloadType: workload_type, input, config, state };
    this.#startedAt = this.#parts.clock.monotonic();
    this.#keeper.started(this.#startedAt);
    this.#report.started();
    try {
      this.#running = this.#runner.start(job, this);
      void this.#running.ended.then((ending) => this.#end(ending));
    } catch (error) {
      void this.#end({ kind: "threw", error: thrownError(error) });
    }
  }

  /** A reason that is not stronger than the one before changes nothing. */
  #halt(stop: StopReason, abort: AbortReason, forceMs = this.#runner.graceMs): void {
    if (this.#stopping.raise(stop) && !this.#isOver) this.#abort(abort, forceMs);
  }

  #abort(reason: AbortReason, forceMs: number): void {
    if (this.#running === null) return void this.#end({ kind: "killed" });
    this.#running.abort(reason);
    this.#stopping.forceIn(forceMs, () => this.#force());
  }

  #force(): void {
    this.#parts.log.warn(
      { ...this.held, reason: this.#stopping.reason },
      "ended by force: it did not stop when it was asked to",
    );
    this.#running?.kill();
  }

  async #end(ending: Ending): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopping.calm();
    this.#parts.ended(this);
    this.#finishOver();
    await this.#conclude(ending);
  }

  /** What another attempt will start from goes ahead of the end; a result needs no checkpoint any more. */
  async #conclude(ending: Ending): Promise<void> {
    const first = conclude(ending, this.#stopping.reason, this.assignment.timeout_seconds);
    const resumable = first.kind !== "completed" && first.kind !== "released";
    if (resumable && this.#saver.isBusy) await this.#saver.settled();
    this.#useless.abort(attemptOver);
    this.#tell(conclude(ending, this.#stopping.reason, this.assignment.timeout_seconds));
  }

  #tell(conclusion: Conclusion): void {
    this.#concluded = conclusion.kind;
    this.#report.conclude(conclusion);
  }

  #drained(): void {
    if (this.#concluded !== null) this.#parts.forgotten(this);
  }

  #address() {
    return { worker_id: this.#parts.workerId, ...this.held };
  }

  #signal(): AbortSignal {
    return AbortSignal.any([this.#useless.signal, this.#parts.life]);
  }

  #saverParts() {
    const { coordinator } = this.#parts;
    return { coordinator, report: this.#report, address: this.#address(), signal: () => this.#signal() };
  }
}
