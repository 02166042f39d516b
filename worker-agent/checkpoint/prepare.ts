/** Brings the state that an attempt starts from: fetched, checked against its hash, decompressed. */
import type { CheckpointRef } from "../../schema/messages/assignment.ts";
import type { AttemptError } from "../../schema/messages/worker-events.ts";
import { thrownError, transient } from "../execution/error.ts";
import type { Coordinator } from "../intake/coordinator.ts";
import { unpackState } from "./codec.ts";
import { type CheckpointAddress, fetchChunks } from "./transfer.ts";

export type Prepared =
  | { readonly kind: "ready"; readonly state: Uint8Array | null }
  | { readonly kind: "failed"; readonly error: AttemptError }
  | { readonly kind: "fenced" | "stopped" };

export async function prepareState(
  coordinator: Coordinator,
  address: Omit<CheckpointAddress, "sequence">,
  ref: CheckpointRef | null,
  signal: AbortSignal,
): Promise<Prepared> {
  if (ref === null) return { kind: "ready", state: null };
  const fetched = await fetchChunks(coordinator, address, ref, signal);
  if (fetched.kind === "refused") return failed("CHECKPOINT_UNAVAILABLE", fetched.reason);
  if (fetched.kind !== "fetched") return { kind: fetched.kind };
  try {
    return { kind: "ready", state: await unpackState(ref, fetched.chunks) };
  } catch (error) {
    return failed("CHECKPOINT_DAMAGED", thrownError(error).message);
  }
}

const failed = (type: string, message: string): Prepared => ({ kind: "failed", error: transient(type, message) });
