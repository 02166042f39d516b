/** How long what is over is kept (SPEC §11), and from when on each kind of it is too old. */

/** In the order in which they are looked at. */
export const keptKinds = ["idempotency_keys", "logs", "workers", "workloads", "audit"] as const;
export type Kept = (typeof keptKinds)[number];

/** Of each kind, for how many milliseconds. Workloads count from their end, and are archived; all else is dropped. */
export type RetentionTerms = Readonly<Record<Kept, number>>;

export interface TooOld {
  readonly kind: Kept;
  /** Milliseconds since the epoch: what is from before. */
  readonly before: number;
}

export const tooOld = (terms: RetentionTerms, now: number): readonly TooOld[] =>
  keptKinds.map((kind) => ({ kind, before: now - terms[kind] }));
