/** One event on its way to the coordinator, and who wants to know what became of it. */
import type { CustomerId, WorkloadId } from "../../schema/ids.ts";
import { jsonBytes } from "../../schema/json.ts";
import type { Outcome, WorkerEvent } from "../../schema/messages/worker-events.ts";

type Body<E> = E extends WorkerEvent ? Omit<E, "event_id" | "workload_id" | "generation"> : never;
/** An event without its address. */
export type EventBody = Body<WorkerEvent>;

export interface EventOwner {
  readonly customerId: CustomerId;
  readonly workloadId: WorkloadId;
  readonly generation: number;
  /** Called once for every entry that was neither dropped nor replaced. */
  settled(entry: Entry, outcome: Outcome | "invalid", reason: string | null): void;
}

export interface Entry {
  readonly owner: EventOwner;
  readonly bytes: number;
  event: WorkerEvent;
  /** From then on it is repeated as it is until an outcome comes. */
  sent: boolean;
  /** Taken back before it was sent. */
  dropped: boolean;
}

const smallEventBytes = 256;
const weighed: ReadonlySet<EventBody["kind"]> = new Set(["progress", "logs", "checkpoint", "completed", "failed"]);

/** Bytes in a message; an estimate from above for events without content. */
export const eventBytes = (body: EventBody): number =>
  weighed.has(body.kind) ? smallEventBytes + jsonBytes(body) : smallEventBytes;

/** The longest start of the queue that fits one message; one bigger event goes alone. Skips what was dropped. */
export function nextBatch(
  queue: readonly Entry[],
  eventsMax: number,
  bytesMax: number,
): { batch: Entry[]; taken: number } {
  const batch: Entry[] = [];
  let bytes = 0;
  let taken = 0;
  for (const entry of queue) {
    const full = batch.length === eventsMax || (batch.length > 0 && bytes + entry.bytes > bytesMax);
    if (full && !entry.dropped) break;
    taken += 1;
    if (entry.dropped) continue;
    batch.push(entry);
    bytes += entry.bytes;
  }
  return { batch, taken };
}
