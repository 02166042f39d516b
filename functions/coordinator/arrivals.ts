/** Streams that are being opened: each counts already, and its key may end while the database is asked. */
import { earliest } from "../domain/earliest.ts";

export interface Arrival {
  readonly principalId: string;
  /** When its key ends, as was heard meanwhile; milliseconds. */
  endsAt: number | null;
}

export class Arrivals {
  readonly #all = new Set<Arrival>();

  get count(): number {
    return this.#all.size;
  }

  get principals(): string[] {
    return [...this.#all].map(({ principalId }) => principalId);
  }

  endKey(keyId: string, at: number): void {
    for (const one of this.#all) if (one.principalId === keyId) one.endsAt = earliest(one.endsAt, at);
  }

  /** Over whatever `open` comes to. */
  async during<T>(principalId: string, open: (arrival: Arrival) => Promise<T>): Promise<T> {
    const arrival: Arrival = { principalId, endsAt: null };
    this.#all.add(arrival);
    try {
      return await open(arrival);
    } finally {
      this.#all.delete(arrival);
    }
  }
}
