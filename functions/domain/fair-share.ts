/** Which customer goes next: the one that holds the least for its weight, in a heap over all that wait. */
import type { DemandItem } from "./demand.ts";
import type { Waiting } from "./placement.ts";

/** A customer's turn: its first workload that was not tried yet. */
export interface Turn {
  readonly customer: Waiting;
  readonly item: DemandItem;
}

interface Contender {
  readonly customer: Waiting;
  /** Index of `item` in the customer's items. */
  next: number;
  item: DemandItem;
  share: number;
}

/** A weight that is not positive takes what all others leave. */
const shareOf = ({ held, weight }: Waiting): number => (weight > 0 ? held / weight : Number.POSITIVE_INFINITY);

/** Smallest share, then the longest waiting head, then the id, so that the order is total. */
function goesBefore(a: Contender, b: Contender): boolean {
  if (a.share !== b.share) return a.share < b.share;
  if (a.item.queueRank !== b.item.queueRank) return a.item.queueRank < b.item.queueRank;
  return a.customer.customerId < b.customer.customerId;
}

function contenders(waiting: readonly Waiting[]): Contender[] {
  const able: Contender[] = [];
  for (const customer of waiting) {
    const item = customer.items[0];
    if (item === undefined || customer.held >= customer.runningMax) continue;
    able.push({ customer, next: 0, item, share: shareOf(customer) });
  }
  return able;
}

function nextItem(contender: Contender, isHopeless: (item: DemandItem) => boolean): DemandItem | undefined {
  const { items } = contender.customer;
  contender.next += 1;
  for (let item = items[contender.next]; item !== undefined; item = items[contender.next]) {
    if (!isHopeless(item)) return item;
    contender.next += 1;
  }
  return undefined;
}

/**
 * Weighted max-min fairness: nobody with a slot granted here has more than one slot above anybody that still waits, both
 * counted for their weight. A customer that holds nothing goes before all that hold something, so its first start waits
 * for at most one slot of every other customer that holds nothing, however long their queues are (I25).
 */
export class FairShare {
  readonly #heap: Contender[];

  constructor(waiting: readonly Waiting[]) {
    this.#heap = contenders(waiting);
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at -= 1) this.#sink(at);
  }

  get first(): Turn | undefined {
    return this.#heap[0];
  }

  /** The first turn is used: its workload was placed (and `held` raised) or fits nowhere. `isHopeless` ones follow it. */
  advance(isHopeless: (item: DemandItem) => boolean): void {
    const contender = this.#heap[0];
    if (contender === undefined) return;
    const { held, runningMax } = contender.customer;
    const item = held < runningMax ? nextItem(contender, isHopeless) : undefined;
    if (item === undefined) this.#dropFirst();
    else {
      contender.item = item;
      contender.share = shareOf(contender.customer);
    }
    this.#sink(0);
  }

  #dropFirst(): void {
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#heap[0] = last;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const sinking = heap[from];
    if (sinking === undefined) return;
    let at = from;
    for (let child = this.#lesserChild(at); child > 0; child = this.#lesserChild(at)) {
      const lesser = heap[child];
      if (lesser === undefined || !goesBefore(lesser, sinking)) break;
      heap[at] = lesser;
      at = child;
    }
    heap[at] = sinking;
  }

  /** Index of the child that goes first; 0: there is none. */
  #lesserChild(at: number): number {
    const left = this.#heap[2 * at + 1];
    const right = this.#heap[2 * at + 2];
    if (left === undefined) return 0;
    return right !== undefined && goesBefore(right, left) ? 2 * at + 2 : 2 * at + 1;
  }
}
