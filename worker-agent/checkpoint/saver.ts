/** Saves the checkpoints of one attempt, one at a time; of those that wait, only the newest is kept. */
import type { Outcome } from "../../schema/messages/worker-events.ts";
import type { Coordinator } from "../intake/coordinator.ts";
import type { AttemptReport, CheckpointOutcome } from "../report/attempt-report.ts";
import { CheckpointError } from "../sdk.ts";
import { type PackedCheckpoint, packState, toBase64 } from "./codec.ts";
import { type CheckpointAddress, sendChunks } from "./transfer.ts";

export interface SaverParts {
  readonly coordinator: Coordinator;
  readonly report: AttemptReport;
  readonly address: Omit<CheckpointAddress, "sequence">;
  /** Fires when the attempt's checkpoints are of no more use: it was revoked, or the agent ends. */
  readonly signal: () => AbortSignal;
}

interface Waiting {
  state: Uint8Array;
  readonly saved: Promise<void>;
}

export class CheckpointSaver {
  readonly #parts: SaverParts;
  #sequence: number;
  #active: Promise<void> | null = null;
  #next: Waiting | null = null;

  /** `sequence`: of the checkpoint that the attempt started from; 0 for none. */
  constructor(parts: SaverParts, sequence: number) {
    this.#parts = parts;
    this.#sequence = sequence;
  }

  get isBusy(): boolean {
    return this.#active !== null;
  }

  /** Resolves when this state, or a newer one, is durable; rejects with a `CheckpointError`. */
  save(state: Uint8Array): Promise<void> {
    if (this.#active === null) return this.#begin(state);
    if (this.#next !== null) this.#next.state = state;
    else this.#next = { state, saved: this.#after(this.#active) };
    return this.#next.saved;
  }

  /** Resolves when nothing is being saved, however that ended. */
  async settled(): Promise<void> {
    while (this.#active !== null) await this.#active.catch(leaveToTheCaller);
  }

  #begin(state: Uint8Array): Promise<void> {
    const saving = this.#store(state).finally(() => {
      if (this.#active === saving) this.#active = null;
    });
    this.#active = saving;
    return saving;
  }

  #after(active: Promise<void>): Promise<void> {
    const following = active.catch(leaveToTheCaller).then(() => {
      const state = this.#next?.state;
      this.#next = null;
      return state === undefined ? undefined : this.#store(state);
    });
    const saving = following.finally(() => {
      if (this.#active === saving) this.#active = null;
    });
    this.#active = saving;
    return saving;
  }

  async #store(state: Uint8Array): Promise<void> {
    const packed = await packState(state);
    this.#sequence += 1;
    const sequence = this.#sequence;
    const outcome = (await this.#sendAhead(packed, sequence)) ?? (await this.#announce(packed, sequence));
    if (outcome === "committed" || outcome === "duplicate") return;
    throw refusal(outcome, sequence);
  }

  /** Null when the checkpoint may be announced. */
  async #sendAhead({ chunks }: PackedCheckpoint, sequence: number): Promise<CheckpointOutcome | null> {
    const { coordinator, address } = this.#parts;
    const signal = this.#parts.signal();
    if (signal.aborted) return "dropped";
    if (chunks.length === 1) return null;
    const outcome: Outcome | null = await sendChunks(coordinator, { ...address, sequence }, chunks, signal);
    if (outcome === null) return "dropped";
    return outcome === "committed" || outcome === "duplicate" ? null : outcome;
  }

  #announce({ bytes, sha256, chunks }: PackedCheckpoint, sequence: number): Promise<CheckpointOutcome> {
    const [only] = chunks;
    const inline = chunks.length === 1 && only !== undefined ? { data: toBase64(only) } : {};
    return this.#parts.report.checkpoint({ sequence, bytes, sha256, chunks: chunks.length, ...inline });
  }
}

const refusal = (outcome: CheckpointOutcome, sequence: number) =>
  outcome === "refused" || outcome === "invalid"
    ? new CheckpointError("CHECKPOINT_REFUSED", `checkpoint ${sequence} was refused`)
    : new CheckpointError("FENCED", `checkpoint ${sequence} came too late: the attempt is over`);

/** Whoever asked for that checkpoint hears of its failure; who only waits for the end does not care. */
const leaveToTheCaller = () => undefined;
