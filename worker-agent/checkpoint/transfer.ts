/** Moves the chunks of a checkpoint to and from the coordinator, each repeated until it is answered. */
import type { CustomerId, WorkerId, WorkloadId } from "../../schema/ids.ts";
import type { CheckpointRef } from "../../schema/messages/assignment.ts";
import type { Outcome } from "../../schema/messages/worker-events.ts";
import type { Coordinator } from "../intake/coordinator.ts";
import { fromBase64, toBase64 } from "./codec.ts";

export interface CheckpointAddress {
  readonly worker_id: WorkerId;
  readonly customer_id: CustomerId;
  readonly workload_id: WorkloadId;
  readonly generation: number;
  readonly sequence: number;
}

export type Fetched =
  | { readonly kind: "fetched"; readonly chunks: readonly Uint8Array[] }
  | { readonly kind: "fenced" | "stopped" }
  | { readonly kind: "refused"; readonly reason: string };

/** Stores all chunks, in order; the first outcome that is not good ends it. Null when the signal fires. */
export async function sendChunks(
  coordinator: Coordinator,
  address: CheckpointAddress,
  chunks: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<Outcome | null> {
  for (const [index, chunk] of chunks.entries()) {
    const payload = { ...address, index, data: toBase64(chunk) };
    const reply = await coordinator.ask({ type: "worker.checkpoint_chunk", payload }, signal);
    if (reply === null) return null;
    const outcome = reply.type === "checkpoint.stored" ? reply.payload.outcome : "refused";
    if (outcome === "fenced" || outcome === "refused") return outcome;
  }
  return "committed";
}

export async function fetchChunks(
  coordinator: Coordinator,
  address: Omit<CheckpointAddress, "sequence">,
  ref: CheckpointRef,
  signal: AbortSignal,
): Promise<Fetched> {
  const chunks: Uint8Array[] = [];
  for (let index = 0; index < ref.chunks; index += 1) {
    const payload = { ...address, sequence: ref.sequence, index };
    const reply = await coordinator.ask({ type: "worker.fetch_checkpoint", payload }, signal);
    if (reply === null) return { kind: "stopped" };
    if (reply.type !== "checkpoint.chunk") return { kind: "refused", reason: `an answer of type ${reply.type}` };
    if (reply.payload.outcome === "fenced") return { kind: "fenced" };
    if (reply.payload.outcome === "refused") return { kind: "refused", reason: "the coordinator does not have it" };
    chunks.push(fromBase64(reply.payload.data));
  }
  return { kind: "fetched", chunks };
}
