/** What one attempt tells the coordinator: its events in order, progress thinned out, log lines gathered. */
import type { CustomerId, WorkloadId } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import type { CheckpointNotice, Outcome } from "../../schema/messages/worker-events.ts";
import type { LogLevel } from "../../schema/status.ts";
import type { Clock } from "../clock.ts";
import type { Conclusion } from "../execution/conclusion.ts";
import { progressIntervalMs } from "../limits.ts";
import type { AgentLog } from "../log.ts";
import { endInstead } from "./end-instead.ts";
import type { Entry, EventBody, EventOwner } from "./entry.ts";
import { LogBuffer } from "./log-buffer.ts";
import type { Outbox } from "./outbox.ts";
import { storableError, storablePercent, storableProgress } from "./wording.ts";

export interface ReportListener {
  /** The coordinator says that this generation is over. */
  fenced(): void;
  /** Nothing waits for the coordinator at this moment. */
  drained(): void;
}

export interface ReportParts {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly log: AgentLog;
}

type Progress = Extract<EventBody, { kind: "progress" }>;
export type CheckpointOutcome = Outcome | "invalid" | "dropped";

export class AttemptReport implements EventOwner {
  readonly customerId: CustomerId;
  readonly workloadId: WorkloadId;
  readonly generation: number;
  readonly #parts: ReportParts;
  readonly #listener: ReportListener;
  readonly #waiting = new Set<Entry>();
  readonly #checkpoints = new Map<Entry, (outcome: CheckpointOutcome) => void>();
  #logs: LogBuffer | null = null;
  readonly #logBytes = new Map<Entry, number>();
  #progress: Progress | null = null;
  #progressEntry: Entry | null = null;
  #progressAt = Number.NEGATIVE_INFINITY;

  constructor(
    address: { customer_id: CustomerId; workload_id: WorkloadId; generation: number },
    parts: ReportParts,
    listener: ReportListener,
  ) {
    this.customerId = address.customer_id;
    this.workloadId = address.workload_id;
    this.generation = address.generation;
    this.#parts = parts;
    this.#listener = listener;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  started(): void {
    this.#add({ kind: "started" });
  }

  progress(percent: number, message: string | null): void {
    const valid = storablePercent(percent);
    if (valid === null) return;
    this.#progress = { kind: "progress", percent: valid, message: storableProgress(message) };
    this.#offerProgress(false);
  }

  log(level: LogLevel, message: string, details?: Json): void {
    this.#logs ??= new LogBuffer();
    if (this.#logs.add(this.#parts.clock.wall(), level, message, details)) this.#sendLogs();
  }

  /** Resolves with what the coordinator made of it. */
  checkpoint(notice: CheckpointNotice): Promise<CheckpointOutcome> {
    const entry = this.#add({ kind: "checkpoint", checkpoint: notice });
    return new Promise((resolve) => this.#checkpoints.set(entry, resolve));
  }

  /** Called at every pulse while the attempt runs. */
  pulse(): void {
    this.#sendLogs();
    this.#offerProgress(false);
  }

  conclude(conclusion: Conclusion): void {
    this.#logs?.close();
    this.#sendLogs();
    if (conclusion.kind !== "released") this.#offerProgress(true);
    this.#add(conclusion.kind === "failed" ? { kind: "failed", error: storableError(conclusion.error) } : conclusion);
  }

  /** Takes back what was not sent yet; `keepLogs`: a cancelled workload's last words are still wanted. */
  drop(keepLogs: boolean): void {
    this.#progress = null;
    for (const entry of this.#waiting) {
      if (entry.sent || (keepLogs && entry.event.kind === "logs")) continue;
      entry.dropped = true;
      this.#forget(entry, "dropped");
    }
  }

  settled(entry: Entry, outcome: Outcome | "invalid", reason: string | null): void {
    const { kind } = entry.event;
    this.#forget(entry, outcome);
    if (outcome === "fenced" && kind !== "released") this.#listener.fenced();
    if (outcome === "refused" || outcome === "invalid") {
      this.#complain(entry, outcome, reason);
      const instead = endInstead(kind, reason);
      if (instead !== null) this.#add(instead);
    }
    if (this.isEmpty) this.#listener.drained();
  }

  #complain(entry: Entry, outcome: string, reason: string | null): void {
    const { kind, workload_id, generation } = entry.event;
    const fields = { customer_id: this.customerId, workload_id, generation, event: kind, outcome, reason };
    this.#parts.log.error(fields, "the coordinator did not take an event");
  }

  #offerProgress(now: boolean): void {
    if (this.#progress === null) return;
    if (this.#progressEntry !== null && !this.#progressEntry.sent) this.#overwrite(this.#progressEntry);
    else this.#sendProgress(now);
  }

  #sendProgress(now: boolean): void {
    if (this.#progress === null) return;
    const monotonic = this.#parts.clock.monotonic();
    if (!now && monotonic - this.#progressAt < progressIntervalMs) return;
    this.#progressAt = monotonic;
    this.#progressEntry = this.#add(this.#progress);
    this.#progress = null;
  }

  #overwrite(entry: Entry): void {
    const { event_id, workload_id, generation } = entry.event;
    if (this.#progress !== null) entry.event = { ...this.#progress, event_id, workload_id, generation };
    this.#progress = null;
  }

  #sendLogs(): void {
    for (let taken = this.#logs?.take(); taken; taken = this.#logs?.take()) {
      this.#logBytes.set(this.#add({ kind: "logs", lines: taken.lines }), taken.bytes);
    }
  }

  #add(body: EventBody): Entry {
    const entry = this.#parts.outbox.add(this, body);
    this.#waiting.add(entry);
    return entry;
  }

  #forget(entry: Entry, outcome: CheckpointOutcome): void {
    this.#waiting.delete(entry);
    if (entry === this.#progressEntry) this.#progressEntry = null;
    this.#logs?.settled(this.#logBytes.get(entry) ?? 0);
    this.#logBytes.delete(entry);
    this.#checkpoints.get(entry)?.(outcome);
    this.#checkpoints.delete(entry);
  }
}
