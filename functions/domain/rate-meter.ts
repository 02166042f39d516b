/** How often something happened of late: a sum over the last minutes, kept in a few slots. */
import { rateWindowSeconds, rateWindowSecondsMin } from "../../schema/limits.ts";

const windowMs = rateWindowSeconds * 1_000;
const slotMs = windowMs / 60;

interface Slot {
  readonly from: number;
  readonly count: number;
}

/** Times in milliseconds. */
export interface RateMeter {
  /** When the counting began. */
  readonly since: number;
  /** The oldest first, none older than the window when it was last counted in. */
  readonly slots: readonly Slot[];
}

export const newMeter = (now: number): RateMeter => ({ since: now, slots: [] });

const isRecent = (now: number) => (slot: Slot) => slot.from > now - windowMs;

export function counted({ since, slots }: RateMeter, count: number, now: number): RateMeter {
  const from = Math.floor(now / slotMs) * slotMs;
  const last = slots.at(-1);
  const isSame = last !== undefined && last.from >= from;
  const before = (isSame ? slots.slice(0, -1) : slots).filter(isRecent(now));
  return { since, slots: [...before, isSame ? { ...last, count: last.count + count } : { from, count }] };
}

/** Null: nothing happened of late, so nothing is known. */
export function perSecond({ since, slots }: RateMeter, now: number): number | null {
  const recent = slots.filter(isRecent(now));
  const [first] = recent;
  if (first === undefined) return null;
  return recent.reduce((sum, { count }) => sum + count, 0) / measuredSeconds(since, now);
}

/** How long a meter of that beginning has counted what it tells now. */
export const measuredSeconds = (since: number, now: number): number =>
  Math.min(rateWindowSeconds, Math.max(rateWindowSecondsMin, (now - since) / 1_000));
