/** Everything that the coordinator has not yet confirmed: one ordered lane a customer. */
import type { CustomerId } from "../../schema/ids.ts";
import { type Entry, type EventBody, type EventOwner, eventBytes } from "./entry.ts";
import { Lane, type LaneParts } from "./lane.ts";

export class Outbox {
  readonly #parts: LaneParts;
  readonly #lanes = new Map<CustomerId, Lane>();
  #lastEventId = 0;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  add(owner: EventOwner, body: EventBody): Entry {
    this.#lastEventId += 1;
    const address = { event_id: this.#lastEventId, workload_id: owner.workloadId, generation: owner.generation };
    const event = { ...body, ...address };
    const entry: Entry = { owner, event, bytes: eventBytes(body), sent: false, dropped: false };
    this.#laneOf(owner.customerId).add(entry);
    return entry;
  }

  #laneOf(customerId: CustomerId): Lane {
    const found = this.#lanes.get(customerId);
    if (found !== undefined) return found;
    const lane = new Lane(this.#parts, customerId);
    this.#lanes.set(customerId, lane);
    // After what runs now: a workload that ends at once has its start and its end in one message.
    setImmediate(() => void this.#work(customerId, lane));
    return lane;
  }

  async #work(customerId: CustomerId, lane: Lane): Promise<void> {
    // Something may be added between the end of the sending and its being noticed here: then it goes on.
    while (!lane.isEmpty && !this.#parts.signal.aborted) await lane.empty();
    this.#lanes.delete(customerId);
  }
}
