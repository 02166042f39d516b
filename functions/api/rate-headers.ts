/** The X-RateLimit headers: of the bucket that a request was counted in. */
import type { RateState } from "../coordinator/gateway.ts";
import type { ApiContext } from "./context.ts";

/** What is shown where there is no limit: clients expect a number. */
export const rateUnlimitedShown = 1_000_000_000;

export const unlimited: RateState = { limit: null, remaining: rateUnlimitedShown, resetSeconds: 0 };

export function showRate(c: ApiContext, rate: RateState): void {
  c.header("X-RateLimit-Limit", String(rate.limit ?? rateUnlimitedShown));
  c.header("X-RateLimit-Remaining", String(rate.limit === null ? rateUnlimitedShown : rate.remaining));
  c.header("X-RateLimit-Reset", String(rate.resetSeconds));
}
