/** How fast a customer's slots have come free of late, in all and by pool: what waits can start no faster. */
import type { Pool } from "../../schema/affinity.ts";
import { isHeld, isTerminal } from "../../schema/status.ts";
import type { Measured } from "../domain/forecast.ts";
import { counted, measuredSeconds, newMeter, perSecond, type RateMeter } from "../domain/rate-meter.ts";
import type { Change } from "../domain/workload.ts";

/** The slot of a worker that is lost is gone with it, and one that was only handed out says nothing of how long work takes. */
export function freesSlot({ from, next }: Pick<Change, "from" | "next">): boolean {
  if (!isHeld(from.status) || isHeld(next.status) || next.status === "REDISTRIBUTING") return false;
  return from.status === "RUNNING" || isTerminal(next.status);
}

export class SlotsFreed {
  readonly #since: number;
  readonly #pools = new Map<Pool, RateMeter>();
  #all: RateMeter;

  constructor(now: number) {
    this.#since = now;
    this.#all = newMeter(now);
  }

  /** One in this pool. */
  count(pool: Pool, now: number): void {
    this.#all = counted(this.#all, 1, now);
    this.#pools.set(pool, counted(this.#pools.get(pool) ?? newMeter(this.#since), 1, now));
  }

  /** In all pools; null: none was counted of late. */
  perSecond(now: number): number | null {
    return perSecond(this.#all, now);
  }

  /** What tells when one of this pool starts: at the cap of its customer a slot in another pool does as well. */
  measuredFor(pool: Pool, isAtCap: boolean, now: number): Measured {
    const own = perSecond(this.#pools.get(pool) ?? newMeter(this.#since), now);
    return {
      slotsFreedPerSecond: own ?? (isAtCap ? this.perSecond(now) : null),
      overSeconds: measuredSeconds(this.#since, now),
    };
  }
}
