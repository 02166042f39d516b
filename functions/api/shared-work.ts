/** Work that many requests may want at once: the first of them does it, and the others look until its outcome is there. */
import type { ApiDependencies } from "./context.ts";

export type SharedWorkParts = Pick<ApiDependencies, "clock" | "background"> & {
  /** Work that began longer ago is given up, and begun anew; more than it takes at most. */
  readonly msMax: number;
};

type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

interface Work<T> {
  readonly since: number;
  outcome: Outcome<T> | null;
}

const lookMs = 5;

export function createSharedWork<T>(
  { clock, background, msMax }: SharedWorkParts,
  work: () => Promise<T>,
): () => Promise<T> {
  let current: Work<T> | null = null;
  const begin = (): Promise<T> => {
    const begun: Work<T> = { since: clock(), outcome: null };
    current = begun;
    const result = work();
    const end = (outcome: Outcome<T>) => {
      begun.outcome = outcome;
      if (current === begun) current = null;
    };
    // In the background: else the runtime would end it with the request that began it, and the others would look in vain.
    background(
      result.then(
        (value) => end({ ok: true, value }),
        (error) => end({ ok: false, error }),
      ),
    );
    return result;
  };
  const isLive = (one: Work<T>) => clock() < one.since + msMax;
  return async () => {
    for (;;) {
      const under = current;
      if (under === null || !isLive(under)) return begin();
      const outcome = await settled(under, isLive);
      // Given up: the first who sees it begins anew, and the others wait for that one.
      if (outcome === null) continue;
      if (outcome.ok) return outcome.value;
      throw outcome.error;
    }
  };
}

/**
 * By timers of the request that waits: the runtime ends one that waits for a promise which only another request can
 * resolve, as if its code had hung. Null: the work was given up.
 */
async function settled<T>(work: Work<T>, isLive: (work: Work<T>) => boolean): Promise<Outcome<T> | null> {
  while (work.outcome === null && isLive(work)) await new Promise((resolve) => setTimeout(resolve, lookMs));
  return work.outcome;
}
