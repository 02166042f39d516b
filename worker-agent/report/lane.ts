/** The events of one customer, in order, one batch under way; each is kept until the coordinator says its outcome. */
import type { CustomerId, WorkerId } from "../../schema/ids.ts";
import { messageBatchBytesMax, messageEventsMax } from "../../schema/limits.ts";
import type { CoordinatorReply } from "../../schema/messages/to-coordinator.ts";
import type { EventOutcome } from "../../schema/messages/worker-events.ts";
import type { Coordinator } from "../intake/coordinator.ts";
import { pause } from "../intake/pause.ts";
import { resendBackoffCapMs } from "../limits.ts";
import { type Entry, nextBatch } from "./entry.ts";

export interface LaneParts {
  readonly workerId: WorkerId;
  readonly coordinator: Coordinator;
  /** Runs ahead of every send. */
  readonly checkFence: () => void;
  readonly signal: AbortSignal;
}

export class Lane {
  readonly #parts: LaneParts;
  readonly #customerId: CustomerId;
  #queue: Entry[] = [];

  constructor(parts: LaneParts, customerId: CustomerId) {
    this.#parts = parts;
    this.#customerId = customerId;
  }

  add(entry: Entry): void {
    this.#queue.push(entry);
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Sends until nothing is left, or the signal fires. What is added meanwhile is the next batch. */
  async empty(): Promise<void> {
    while (this.#queue.length > 0 && !this.#parts.signal.aborted) {
      const { batch, taken } = nextBatch(this.#queue, messageEventsMax, messageBatchBytesMax);
      this.#queue.splice(0, taken);
      await this.#deliver(batch);
    }
  }

  /** Repeats a batch, less what has its outcome, until all have. */
  async #deliver(batch: readonly Entry[]): Promise<void> {
    let left = batch;
    while (left.length > 0) {
      const reply = await this.#send(left);
      if (reply === null) return;
      if (reply.type === "events.outcome") left = await this.#settle(left, reply.payload.outcomes);
      else if (left.length === 1) left = refuse(left, reply);
      else return this.#deliverSingly(left);
    }
  }

  /** An answer that settles nothing is waited out, so that it makes no hot loop. */
  async #settle(batch: readonly Entry[], outcomes: readonly EventOutcome[]): Promise<readonly Entry[]> {
    const left = settle(batch, outcomes);
    if (left.length === batch.length) await pause(resendBackoffCapMs, this.#parts.signal);
    return left;
  }

  /** Something in the batch cannot be understood: one by one, so that it harms only itself. */
  async #deliverSingly(batch: readonly Entry[]): Promise<void> {
    for (const entry of batch) await this.#deliver([entry]);
  }

  #send(batch: readonly Entry[]): Promise<CoordinatorReply | null> {
    for (const entry of batch) entry.sent = true;
    const payload = {
      worker_id: this.#parts.workerId,
      customer_id: this.#customerId,
      events: batch.map(({ event }) => event),
    };
    const { coordinator, signal, checkFence } = this.#parts;
    return coordinator.ask({ type: "worker.events", payload }, signal, checkFence);
  }
}

function settle(batch: readonly Entry[], outcomes: readonly EventOutcome[]): readonly Entry[] {
  const byId = new Map(outcomes.map((outcome) => [outcome.event_id, outcome]));
  return batch.filter((entry) => {
    const found = byId.get(entry.event.event_id);
    if (found !== undefined) entry.owner.settled(entry, found.outcome, found.reason ?? null);
    return found === undefined;
  });
}

function refuse(batch: readonly Entry[], reply: CoordinatorReply): readonly Entry[] {
  const reason = reply.type === "error" ? reply.payload.message : `an answer of type ${reply.type}`;
  for (const entry of batch) entry.owner.settled(entry, "invalid", reason);
  return [];
}
