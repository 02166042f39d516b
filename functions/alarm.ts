/** The one alarm of a Durable Object, kept at the earliest moment that anybody asked for. */

/** As much of an object's state as its alarm needs. */
export interface AlarmHost {
  readonly storage: {
    getAlarm(): Promise<number | null>;
    setAlarm(at: number): Promise<void>;
  };
  blockConcurrencyWhile(work: () => Promise<void>): Promise<void>;
}

export class Alarm {
  readonly #storage: AlarmHost["storage"];
  #at: number | null = null;
  #isRestored = false;

  /** Nothing reaches the object before it knows of the alarm that an earlier instance has set: `by` would put it off else. */
  constructor(host: AlarmHost) {
    this.#storage = host.storage;
    void host.blockConcurrencyWhile(() => this.#restore());
  }

  /** Wakes the object at `at` (milliseconds since the epoch) at the latest. */
  by(at: number): void {
    if (this.#at !== null && this.#at <= at) return;
    this.#at = at;
    if (this.#isRestored) this.#set(at);
  }

  /** To be called first thing in `alarm()`; answers for when it was asked, if that is remembered. */
  fired(): number | null {
    const at = this.#at;
    this.#at = null;
    return at;
  }

  async #restore(): Promise<void> {
    const stored = await this.#storage.getAlarm();
    const asked = this.#at;
    this.#isRestored = true;
    if (stored !== null && (asked === null || stored <= asked)) this.#at = stored;
    else if (asked !== null) this.#set(asked);
  }

  /** Not awaited: the output gate holds every reply until the alarm is durable. */
  #set(at: number): void {
    void this.#storage.setAlarm(at);
  }
}
