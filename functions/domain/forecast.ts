/** When a workload that waits will start, as far as the rate tells at which slots come free; and why there is nothing to tell. */
import type { ExplainRule, ExplanationView } from "../../schema/http/explain.ts";

export interface Measured {
  /** Null: no end of an attempt was counted of late. */
  readonly slotsFreedPerSecond: number | null;
  readonly overSeconds: number;
}

export type Forecast = Pick<ExplanationView, "estimated_start_time" | "forecast" | "forecast_reason">;

export interface Turn {
  readonly rule: ExplainRule;
  /** Those that go first and may run in just the same places. */
  readonly ahead: number;
  /** Its customer runs as many as it may. */
  readonly isAtCap: boolean;
  /** Null: it is due. */
  readonly dueAt: number | null;
}

/** How many slots must come free until it starts by itself; null: somebody has to do something first, or it does not wait. */
function slotsNeeded({ rule, ahead, isAtCap }: Turn): number | null {
  if (placing.includes(rule)) return 0;
  if (delayed.includes(rule)) return isAtCap ? ahead + 1 : ahead;
  return full.includes(rule) ? ahead + 1 : null;
}

/** A slot that it may have is free. */
const placing: readonly ExplainRule[] = ["BEHIND_OTHERS", "BEING_PLACED"];
const delayed: readonly ExplainRule[] = ["NOT_DUE", "RETRY_BACKOFF"];
const full: readonly ExplainRule[] = ["CUSTOMER_CAP", "RESOURCES", "NO_FREE_SLOT"];
/** Somebody has to do something first, or something has to end that no rate speaks of. */
const changes: readonly ExplainRule[] = [
  "CUSTOMER_SUSPENDED",
  "POOL_EMPTY",
  "NO_CAPABLE_WORKER",
  "HARD_AFFINITY",
  "ANTI_AFFINITY",
  "PAUSED",
];

/** When so many slots have come free; null: not known. Never before now. */
export function forecastStart(slots: number, slotsFreedPerSecond: number | null, now: number): number | null {
  if (slots === 0) return now;
  return slotsFreedPerSecond === null ? null : Math.round(now + (slots / slotsFreedPerSecond) * 1_000);
}

const none = (reason: NonNullable<Forecast["forecast_reason"]>): Forecast => ({
  estimated_start_time: null,
  forecast: null,
  forecast_reason: reason,
});

export function forecast(turn: Turn, { slotsFreedPerSecond, overSeconds }: Measured, now: number): Forecast {
  const slots = slotsNeeded(turn);
  if (slots === null) return none(changes.includes(turn.rule) ? "waits_for_a_change" : "not_waiting");
  const at = forecastStart(slots, slotsFreedPerSecond, now);
  if (at === null) return none("nothing_measured");
  const isMeasured = slots > 0 && slotsFreedPerSecond !== null;
  return {
    estimated_start_time: new Date(Math.max(at, turn.dueAt ?? at)).toISOString(),
    forecast: isMeasured
      ? { slots_freed_per_second: slotsFreedPerSecond, measured_over_seconds: Math.round(overSeconds) }
      : null,
    forecast_reason: null,
  };
}
