/** A growing list that tests can wait on: `until` resolves with the first item that matches, past or to come. */

export class Occurrences<T> {
  readonly all: T[] = [];
  #waiting: { matches: (item: T) => boolean; resolve: (item: T) => void }[] = [];

  add(item: T): void {
    this.all.push(item);
    const hit = this.#waiting.filter(({ matches }) => matches(item));
    this.#waiting = this.#waiting.filter((waiter) => !hit.includes(waiter));
    for (const { resolve } of hit) resolve(item);
  }

  until(matches: (item: T) => boolean): Promise<T> {
    const found = this.all.find(matches);
    return found === undefined ? this.next(matches) : Promise.resolve(found);
  }

  /** Only what comes from now on. */
  next(matches: (item: T) => boolean = () => true): Promise<T> {
    return new Promise((resolve) => this.#waiting.push({ matches, resolve }));
  }
}
