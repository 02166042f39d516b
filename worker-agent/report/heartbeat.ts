/** Heartbeats while the worker holds anything or drains; silence otherwise. */
import type { Heartbeat as HeartbeatPayload, Held } from "../../schema/messages/to-coordinator.ts";
import type { Clock } from "../clock.ts";
import type { Coordinator } from "../intake/coordinator.ts";
import { requestTimeoutMs } from "../limits.ts";
import type { AgentLog } from "../log.ts";
import type { Fence } from "./fence.ts";

export interface HeartbeatParts {
  readonly coordinator: Coordinator;
  readonly fence: Fence;
  readonly clock: Clock;
  readonly log: AgentLog;
  readonly signal: AbortSignal;
  /** Null: nothing to say, go silent. */
  readonly state: () => HeartbeatPayload | null;
  readonly fenced: (held: readonly Held[]) => void;
  readonly registerAgain: () => void;
}

export class Heartbeat {
  readonly #parts: HeartbeatParts;
  #everyMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: HeartbeatParts, everyMs: number) {
    this.#parts = parts;
    this.#everyMs = everyMs;
    parts.signal.addEventListener("abort", () => this.#silence());
  }

  setInterval(everyMs: number): void {
    this.#everyMs = everyMs;
  }

  /** Begins to beat, with the first beat at once, unless it beats already. */
  wake(): void {
    if (this.#timer === null && !this.#parts.signal.aborted) this.#beat();
  }

  /** Tells a change of the worker's own status now, and not at the next beat. */
  beatNow(): void {
    this.#silence();
    this.wake();
  }

  #beat(): void {
    this.#timer = null;
    const state = this.#parts.state();
    if (state === null || this.#parts.signal.aborted) return;
    this.#timer = setTimeout(() => this.#beat(), this.#everyMs);
    void this.#send(state);
  }

  async #send(payload: HeartbeatPayload): Promise<void> {
    const { coordinator, fence, clock, signal, log } = this.#parts;
    const sentAt = clock.monotonic();
    const outcome = await coordinator.tryOnce(
      "status",
      { type: "worker.heartbeat", payload },
      requestTimeoutMs,
      signal,
    );
    if (outcome.kind !== "reply") return log.debug({ outcome }, "a heartbeat was not acknowledged");
    if (outcome.reply.type !== "heartbeat.ack") return log.warn({ reply: outcome.reply }, "a heartbeat was refused");
    fence.renew(sentAt);
    this.#parts.fenced(outcome.reply.payload.fenced);
    if (outcome.reply.payload.register_again) this.#parts.registerAgain();
  }

  #silence(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
