/** A list that stays in order: binary search, cheap at both ends, where almost everything comes and goes. */
export interface SortedList<T> {
  readonly length: number;
  first(): T | undefined;
  last(): T | undefined;
  /** At most `max` from the front, in order. */
  head(max: number): T[];
  /** How many stand before it, whether it is there or not. */
  before(item: T): number;
  add(item: T): void;
  /** True when an item of the same order was there. */
  remove(item: T): boolean;
}

/** Room at the front that is given back at once; below it, moving the rest would cost more than it frees. */
const frontRoomMin = 1_024;

/** `compare` must tell any two different items apart. */
export function createSortedList<T>(compare: (a: T, b: T) => number): SortedList<T> {
  const items: (T | undefined)[] = [];
  /** The front is not moved up when it goes, which would cost the length of the queue for each workload placed. */
  let front = 0;
  const place = (item: T): number => {
    let low = front;
    let high = items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = items[middle];
      if (other !== undefined && compare(other, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const removeFront = (): void => {
    items[front] = undefined;
    front += 1;
    if (front < frontRoomMin || front * 2 < items.length) return;
    items.splice(0, front);
    front = 0;
  };
  return {
    get length() {
      return items.length - front;
    },
    first: () => items[front],
    last: () => (items.length > front ? items.at(-1) : undefined),
    head: (max) => items.slice(front, front + max).filter((item) => item !== undefined),
    before: (item) => place(item) - front,
    add: (item) => {
      const last = items.at(-1);
      if (last === undefined || compare(last, item) < 0) items.push(item);
      else items.splice(place(item), 0, item);
    },
    remove: (item) => {
      const at = place(item);
      const found = items[at];
      if (found === undefined || compare(found, item) !== 0) return false;
      // What stands before it moves up by one, unless less stands behind it.
      if (at - front > items.length - at) items.splice(at, 1);
      else {
        items.copyWithin(front + 1, front, at);
        removeFront();
      }
      return true;
    },
  };
}
