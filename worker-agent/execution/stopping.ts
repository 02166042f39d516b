/** Why one attempt is asked to stop, and when it is ended by force. */
import type { StopReason } from "./conclusion.ts";

/** Strongest last: a later, stronger reason replaces the one before. */
const strength: readonly StopReason[] = ["draining", "paused", "timeout", "fenced", "revoked"];

export class Stopping {
  #reason: StopReason | null = null;
  #timer: NodeJS.Timeout | null = null;

  get reason(): StopReason | null {
    return this.#reason;
  }

  /** False, and nothing changes, when the reason is not stronger than the one before. */
  raise(reason: StopReason): boolean {
    if (this.#reason !== null && strength.indexOf(reason) <= strength.indexOf(this.#reason)) return false;
    this.#reason = reason;
    return true;
  }

  forceIn(ms: number, force: () => void): void {
    this.calm();
    this.#timer = setTimeout(force, ms);
  }

  /** It has stopped: no force is needed. */
  calm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
