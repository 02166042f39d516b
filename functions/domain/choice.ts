/** The workers for one kind of workload, best first, kept through a pass in which workers only fill up. */

/** Workers, as indexes in id order, with one soft score. */
interface Tier {
  readonly members: number[];
  /** The smallest load among the members when they were last counted; no member has less, because loads only rise. */
  level: number;
  /** No open member before this place has that load. */
  next: number;
}

/**
 * Instead of a heap that every placement of other kinds makes stale, each tier is swept: in id order it gives the
 * workers of the smallest load, and when there are none left it counts anew. Two walks a level of load, whatever the
 * number of workloads and kinds.
 */
export class Choice {
  readonly #tiers: Tier[];
  /** By worker index: used / slots; infinite when full. */
  readonly #load: Float64Array;
  readonly #isOpen: (worker: number) => boolean;

  /** `isOpen`: the worker still takes this kind, its load aside; once false it stays false. */
  constructor(membersByScore: ReadonlyMap<number, number[]>, load: Float64Array, isOpen: (worker: number) => boolean) {
    const scores = [...membersByScore].sort(([a], [b]) => b - a);
    this.#tiers = scores.map(([, members]) => ({ members, level: Number.NaN, next: members.length }));
    this.#load = load;
    this.#isOpen = isOpen;
  }

  /** Index of the best worker: highest score, then least loaded, then smallest id; null: none is left. */
  best(): number | null {
    for (let tier = this.#tiers[0]; tier !== undefined; tier = this.#tiers[0]) {
      const found = this.#sweep(tier);
      if (found !== null) return found;
      if (!this.#count(tier)) this.#tiers.shift();
    }
    return null;
  }

  #sweep(tier: Tier): number | null {
    for (; tier.next < tier.members.length; tier.next += 1) {
      const worker = tier.members[tier.next];
      if (worker !== undefined && this.#load[worker] === tier.level && this.#isOpen(worker)) return worker;
    }
    return null;
  }

  /** Finds the new level and drops the members that are full or closed; false: none is left. */
  #count(tier: Tier): boolean {
    let level = Number.POSITIVE_INFINITY;
    let kept = 0;
    for (const worker of tier.members) {
      const load = this.#load[worker] ?? Number.POSITIVE_INFINITY;
      if (load === Number.POSITIVE_INFINITY || !this.#isOpen(worker)) continue;
      tier.members[kept] = worker;
      kept += 1;
      if (load < level) level = load;
    }
    tier.members.length = kept;
    tier.level = level;
    tier.next = 0;
    return kept > 0;
  }
}
