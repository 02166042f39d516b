/** A list that stays in order: binary search, cheap at the end, where almost all insertions happen. */
export interface SortedList<T> {
  readonly items: readonly T[];
  add(item: T): void;
  /** True when an item of the same order was there. */
  remove(item: T): boolean;
}

/** `compare` must tell any two different items apart. */
export function createSortedList<T>(compare: (a: T, b: T) => number): SortedList<T> {
  const items: T[] = [];
  const place = (item: T): number => {
    let low = 0;
    let high = items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = items[middle];
      if (other !== undefined && compare(other, item) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const isAtEnd = (item: T): boolean => {
    const last = items.at(-1);
    return last === undefined || compare(last, item) < 0;
  };
  return {
    items,
    add: (item) => {
      if (isAtEnd(item)) items.push(item);
      else items.splice(place(item), 0, item);
    },
    remove: (item) => {
      const at = place(item);
      const found = items[at];
      if (found === undefined || compare(found, item) !== 0) return false;
      if (at === 0) items.shift();
      else items.splice(at, 1);
      return true;
    },
  };
}
