/** All attempts that this worker answers for, and its slots. */
import type { WorkloadId } from "../../schema/ids.ts";
import type { Assignment, AssignmentAnswer } from "../../schema/messages/assignment.ts";
import type { Held } from "../../schema/messages/to-coordinator.ts";
import type { StopItem } from "../../schema/messages/to-worker.ts";
import { admit, answerOf } from "./admission.ts";
import { Attempt } from "./attempt.ts";
import type { AttemptParts } from "./attempt-parts.ts";
import { Generations } from "./generations.ts";
import type { Runner } from "./running.ts";

export interface AttemptsParts extends Omit<AttemptParts, "ended" | "forgotten"> {
  readonly slots: number;
  readonly runners: ReadonlyMap<string, Runner>;
  /** Something begins to run after nothing did. */
  busy(): void;
  /** The last attempt is forgotten. */
  idle(): void;
}

export class Attempts {
  readonly #parts: AttemptsParts;
  readonly #attemptParts: AttemptParts;
  readonly #held = new Map<string, Attempt>();
  /** The newest attempt of each workload whose code may still run. */
  readonly #running = new Map<WorkloadId, Attempt>();
  readonly #generations = new Generations();
  #used = 0;
  #isDraining = false;

  constructor(parts: AttemptsParts) {
    this.#parts = parts;
    this.#attemptParts = {
      ...parts,
      ended: (attempt) => this.#ended(attempt),
      forgotten: (attempt) => this.#forgotten(attempt),
    };
  }

  get used(): number {
    return Math.min(this.#used, this.#parts.slots);
  }

  get isIdle(): boolean {
    return this.#held.size === 0;
  }

  /** The agent's code is running somebody's work at this moment. */
  get isRunning(): boolean {
    return this.#used > 0;
  }

  held(): readonly Held[] {
    return Array.from(this.#held.values(), (attempt) => attempt.held);
  }

  /** The answers, and what starts the taken ones once the answers have left. */
  assign(assignments: readonly Assignment[]): { answers: AssignmentAnswer[]; begin: () => void } {
    const begins: (() => void)[] = [];
    const answers = assignments.map((assignment) => this.#take(assignment, begins));
    return {
      answers,
      begin: () => {
        for (const begin of begins) begin();
      },
    };
  }

  stop(items: readonly StopItem[]): void {
    for (const item of items) {
      const attempt = this.#stoppable(item);
      if (item.why === "paused") void attempt?.suspend("paused");
      else attempt?.revoke(item.why);
    }
  }

  /** The coordinator says that these are over. */
  revoke(fenced: readonly Held[]): void {
    for (const held of fenced) this.#held.get(keyOf(held))?.revoke("fenced");
  }

  /** The worker's own lease is over: everything that runs must end within `forceMs`. */
  fence(forceMs: number): void {
    for (const attempt of this.#held.values()) attempt.fence(forceMs);
  }

  drain(): void {
    this.#isDraining = true;
    for (const attempt of this.#held.values()) void attempt.suspend("draining");
  }

  pulse(now: number): void {
    for (const attempt of this.#running.values()) attempt.pulse(now);
  }

  #take(assignment: Assignment, begins: (() => void)[]): AssignmentAnswer {
    const older = this.#running.get(assignment.workload_id);
    const runner = this.#parts.runners.get(assignment.workload_type);
    const admission = admit(assignment, {
      draining: this.#isDraining,
      knownGeneration: this.#generations.of(assignment.workload_id),
      knowsType: runner !== undefined,
      slotsFree: this.#parts.slots - this.#used,
      inheritsSlot: older !== undefined,
    });
    if (admission === "start" && runner !== undefined) begins.push(this.#hold(assignment, runner, older));
    return answerOf(assignment, admission);
  }

  /** Returns what starts it: at once, or when the older attempt of the same workload has ended. */
  #hold(assignment: Assignment, runner: Runner, older: Attempt | undefined): () => void {
    const attempt = new Attempt(assignment, runner, this.#attemptParts, older);
    const ranNothing = !this.isRunning;
    this.#held.set(keyOf(assignment), attempt);
    this.#running.set(assignment.workload_id, attempt);
    this.#generations.note(assignment.workload_id, assignment.generation);
    this.#used += 1;
    if (ranNothing) this.#parts.busy();
    if (older === undefined) return () => attempt.begin();
    older.revoke("fenced");
    return () => void older.cleared.then(() => attempt.begin());
  }

  /** What runs of this workload, or has ended and is not confirmed; an attempt of a later generation is left alone. */
  #stoppable({ workload_id, generation }: StopItem): Attempt | undefined {
    const running = this.#running.get(workload_id);
    if (running !== undefined && running.held.generation <= generation) return running;
    return this.#held.get(keyOf({ workload_id, generation }));
  }

  #ended(attempt: Attempt): void {
    this.#used -= 1;
    const { workload_id } = attempt.held;
    if (this.#running.get(workload_id) === attempt) this.#running.delete(workload_id);
  }

  #forgotten(attempt: Attempt): void {
    this.#held.delete(keyOf(attempt.held));
    if (this.isIdle) this.#parts.idle();
  }
}

const keyOf = ({ workload_id, generation }: Pick<Held, "workload_id" | "generation">) => `${workload_id}:${generation}`;
