/** How long to wait before the next try: exponential, with full jitter on the upper half. */

export interface Backoff {
  readonly baseMs: number;
  readonly capMs: number;
}

/** `tries` made so far, from 1; `random` in [0, 1). At least half of the step, so that it never turns into a hot loop. */
export function backoffMs({ baseMs, capMs }: Backoff, tries: number, random: number): number {
  const step = Math.min(capMs, baseMs * 2 ** Math.min(tries - 1, 30));
  return Math.round(step / 2 + (random * step) / 2);
}
