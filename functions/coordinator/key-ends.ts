/** Keys that were revoked or replaced a moment ago: whoever remembers them still may come with one. */
import { apiKeyCacheSeconds } from "../../schema/limits.ts";

/** Twice as long as a key is remembered: a request that came with one takes its time, too. */
const keptMs = apiKeyCacheSeconds * 2_000;

interface End {
  /** When the key ends; milliseconds. */
  readonly at: number;
  readonly notedAt: number;
}

export class KeyEnds {
  readonly #ends = new Map<string, End>();

  note(keyId: string, at: number, now: number): void {
    for (const [known, { notedAt }] of this.#ends) if (notedAt + keptMs < now) this.#ends.delete(known);
    this.#ends.set(keyId, { at, notedAt: now });
  }

  /** The earlier of when it is said to expire and when it ends; null: never. */
  of(keyId: string, expiresAt: number | null): number | null {
    const end = this.#ends.get(keyId)?.at ?? null;
    return end === null || expiresAt === null ? (end ?? expiresAt) : Math.min(end, expiresAt);
  }
}
