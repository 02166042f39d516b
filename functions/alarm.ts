/** The one alarm of a Durable Object, kept at the earliest moment that anybody asked for. */
export class Alarm {
  readonly #storage: DurableObjectStorage;
  #at: number | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Wakes the object at `at` (milliseconds since the epoch) at the latest. */
  by(at: number): void {
    if (this.#at !== null && this.#at <= at) return;
    this.#at = at;
    // Not awaited: the output gate holds every reply until the alarm is durable.
    void this.#storage.setAlarm(at);
  }

  /** To be called first thing in `alarm()`; answers for when it was asked, if that is remembered. */
  fired(): number | null {
    const at = this.#at;
    this.#at = null;
    return at;
  }
}
