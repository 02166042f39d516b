/** A map that forgets what was used longest ago; for what an isolate may remember of its callers. */

export interface BoundedCache<K, V> {
  get(key: K): V | undefined;
  set(key: K, value: V): void;
  delete(key: K): void;
}

export function createBoundedCache<K, V>(entriesMax: number): BoundedCache<K, V> {
  const entries = new Map<K, V>();
  const set = (key: K, value: V) => {
    // A Map keeps the order of insertion: what is put in again is the newest.
    entries.delete(key);
    entries.set(key, value);
    if (entries.size <= entriesMax) return;
    for (const oldest of entries.keys()) {
      entries.delete(oldest);
      return;
    }
  };
  return {
    get(key) {
      const value = entries.get(key);
      if (value !== undefined) set(key, value);
      return value;
    },
    set,
    delete: (key) => void entries.delete(key),
  };
}
