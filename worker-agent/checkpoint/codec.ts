/** A serialised state to compressed chunks with a hash, and back. */
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { checkpointBytesMax, checkpointChunkBytes } from "../../schema/limits.ts";
import type { CheckpointRef } from "../../schema/messages/assignment.ts";
import { stateBytesMax } from "../limits.ts";
import { CheckpointError } from "../sdk.ts";

const compress = promisify<Uint8Array, object, Buffer>(gzip);
const decompress = promisify<Uint8Array, object, Buffer>(gunzip);

export interface PackedCheckpoint {
  readonly bytes: number;
  readonly sha256: string;
  readonly chunks: readonly Uint8Array[];
}

const hashOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Rejects with CHECKPOINT_TOO_LARGE when the compressed bytes pass the limit. */
export async function packState(state: Uint8Array): Promise<PackedCheckpoint> {
  if (state.length > stateBytesMax) throw tooLarge(state.length, stateBytesMax, "before compression");
  // The fastest level: a checkpoint is written often and read seldom, and the agent shares its cores with the work.
  const packed = await compress(state, { level: 1 });
  if (packed.length > checkpointBytesMax) throw tooLarge(packed.length, checkpointBytesMax, "after compression");
  return { bytes: packed.length, sha256: hashOf(packed), chunks: chunksOf(packed) };
}

const tooLarge = (bytes: number, max: number, when: string) =>
  new CheckpointError("CHECKPOINT_TOO_LARGE", `the checkpoint has ${bytes} bytes ${when}; at most ${max} are kept`);

function chunksOf(bytes: Uint8Array): readonly Uint8Array[] {
  const count = Math.max(1, Math.ceil(bytes.length / checkpointChunkBytes));
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * checkpointChunkBytes, (index + 1) * checkpointChunkBytes),
  );
}

/** Throws when the bytes are not those that the reference names. */
export async function unpackState(ref: CheckpointRef, chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  const packed = Buffer.concat(chunks);
  if (packed.length !== ref.bytes || hashOf(packed) !== ref.sha256) {
    throw new Error(`checkpoint ${ref.sequence} does not match its hash: ${packed.length} of ${ref.bytes} bytes came`);
  }
  return decompress(packed, { maxOutputLength: stateBytesMax });
}

export const toBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
export const fromBase64 = (text: string): Uint8Array => Buffer.from(text, "base64");
