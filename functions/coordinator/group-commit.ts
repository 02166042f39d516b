/** Gathers what is submitted while a statement is under way, and writes it together with the next. */
import { groupCommitBytesMax, groupCommitRowsMax } from "../../schema/limits.ts";
import { refuse } from "../domain/refusal.ts";
import type { Lane } from "../lane.ts";
import type { SubmissionGroup } from "../store/store.ts";
import { persist, type SubmitResult } from "./persist.ts";
import { type CoordinatorDeps, type Leadership, unavailable } from "./session.ts";
import { bytesOf } from "./submission.ts";

/** One request on its way into the next statement. */
interface Waiting {
  readonly group: SubmissionGroup;
  readonly rows: number;
  readonly bytes: number;
  readonly settle: (result: SubmitResult) => void;
}

export class GroupCommit {
  readonly #deps: CoordinatorDeps;
  readonly #leadership: Leadership;
  readonly #lane: Lane;
  #waiting: Waiting[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(deps: CoordinatorDeps, leadership: Leadership, lane: Lane) {
    this.#deps = deps;
    this.#leadership = leadership;
    this.#lane = lane;
  }

  /** Workloads that are not written yet. */
  get rows(): number {
    return this.#rows;
  }

  holds(workloadType: string): boolean {
    return this.#waiting.some(({ group }) =>
      group.submissions.some(({ workload }) => workload.workloadType === workloadType),
    );
  }

  /** What they take in memory, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Always answered, also when the statement fails. */
  add(group: SubmissionGroup): Promise<SubmitResult> {
    const [rows, bytes] = [group.submissions.length, bytesOf(group)];
    const result = new Promise<SubmitResult>((settle) => this.#waiting.push({ group, rows, bytes, settle }));
    this.#rows += rows;
    this.#bytes += bytes;
    if (this.#waiting.length === 1) this.#flushSoon();
    return result;
  }

  #flushSoon(): void {
    this.#deps.background(this.#lane.run(() => this.#flush()));
  }

  async #flush(): Promise<void> {
    const batch = this.#nextBatch();
    if (this.#waiting.length > 0) this.#flushSoon();
    const results = await this.#write(batch);
    for (const { rows, bytes } of batch) {
      this.#rows -= rows;
      this.#bytes -= bytes;
    }
    for (const [at, { settle }] of batch.entries()) settle(results[at] ?? refuse(unavailable("database")));
  }

  /** Whole requests, as many as make up one statement; one request alone may be larger. */
  #nextBatch(): Waiting[] {
    let [rows, bytes] = [0, 0];
    const end = this.#waiting.findIndex((one, at) => {
      rows += one.rows;
      bytes += one.bytes;
      return at > 0 && (rows > groupCommitRowsMax || bytes > groupCommitBytesMax);
    });
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  /** Nobody may wait for ever: what nobody expected is logged, and answered like a database that does not answer. */
  async #write(batch: readonly Waiting[]): Promise<readonly SubmitResult[]> {
    const groups = batch.map(({ group }) => group);
    try {
      const result = await this.#leadership.within((session) => persist(this.#deps, session, groups));
      return result.ok ? result.value : groups.map(() => result);
    } catch (error) {
      this.#deps.log.error({ err: error, customer_id: this.#deps.customerId }, "submissions were not written");
      return [];
    }
  }
}
