/** The agent's own end of the lease (I5): whether it may still act, on its monotonic clock. */
import { leaseMarginFraction } from "../../schema/limits.ts";
import type { Clock } from "../clock.ts";

export interface LeaseView {
  readonly leaseMs: number;
  /** Monotonic time at which the last acknowledged message left. */
  readonly grantedAt: number;
}

/** From this moment on nothing may run: the lease less its margin. */
export const fenceAt = ({ leaseMs, grantedAt }: LeaseView): number => grantedAt + leaseMs * (1 - leaseMarginFraction);
/** By this moment everything has ended, by force where it must be. */
export const leaseOverAt = ({ leaseMs, grantedAt }: LeaseView): number => grantedAt + leaseMs;

export class Fence {
  readonly #clock: Clock;
  readonly #renewed: (msToLeaseEnd: number) => void;
  #leaseMs: number;
  #grantedAt: number;

  /** `renewed` hears at each renewal for how long the lease goes on. */
  constructor(clock: Clock, leaseMs: number, renewed: (msToLeaseEnd: number) => void = () => undefined) {
    this.#clock = clock;
    this.#renewed = renewed;
    this.#leaseMs = leaseMs;
    this.#grantedAt = clock.monotonic();
  }

  setLease(leaseMs: number): void {
    this.#leaseMs = leaseMs;
  }

  /** `sentAt`: when the message left that is acknowledged now; an older one changes nothing. */
  renew(sentAt: number): void {
    this.#grantedAt = Math.max(this.#grantedAt, sentAt);
    this.#renewed(this.msToLeaseEnd());
  }

  isOver(): boolean {
    return this.#clock.monotonic() >= fenceAt(this.#view());
  }

  /** What is left, from now, until nothing may run any more; 0 when the lease is over. */
  msToLeaseEnd(): number {
    return Math.max(0, leaseOverAt(this.#view()) - this.#clock.monotonic());
  }

  #view(): LeaseView {
    return { leaseMs: this.#leaseMs, grantedAt: this.#grantedAt };
  }
}
