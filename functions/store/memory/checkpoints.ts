/** Checkpoints in memory: taken only when every chunk is there and size and hash are right. */
import { checkpointsKeptMax } from "../../../schema/limits.ts";
import type { CheckpointNotice } from "../../../schema/messages/worker-events.ts";
import type { WorkloadRow } from "./rows.ts";

export const chunkName = (sequence: number, generation: number, index: number): string =>
  `${sequence}/${generation}/${index}`;

export const decodeBytes = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

/** Chunks are never overwritten: what a checkpoint was verified with is what it has. */
export function storeChunk(row: WorkloadRow, sequence: number, generation: number, index: number, data: string): void {
  const name = chunkName(sequence, generation, index);
  if (!row.chunks.has(name)) row.chunks.set(name, decodeBytes(data));
}

/** Whether the notice's bytes, stored or on their way with it, are what it says. */
export async function isWhole(row: WorkloadRow, generation: number, notice: CheckpointNotice): Promise<boolean> {
  const stored = Array.from({ length: notice.chunks }, (_, index) =>
    row.chunks.get(chunkName(notice.sequence, generation, index)),
  );
  if (notice.data !== undefined) stored[0] ??= decodeBytes(notice.data);
  const chunks = stored.filter((chunk) => chunk !== undefined);
  if (chunks.length !== notice.chunks || row.chunks.has(chunkName(notice.sequence, generation, notice.chunks)))
    return false;
  const whole = new Uint8Array(await new Blob(chunks.map((chunk) => new Uint8Array(chunk))).arrayBuffer());
  return whole.length === notice.bytes && (await sha256Of(whole)) === notice.sha256;
}

async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Keeps the newest complete ones, and chunks of those and of what is still on its way. */
export function prune(row: WorkloadRow): void {
  row.checkpoints = row.checkpoints.slice(-checkpointsKeptMax);
  const newest = row.checkpoints.at(-1)?.sequence ?? 0;
  const kept = new Set(row.checkpoints.map(({ sequence, generation }) => `${sequence}/${generation}`));
  for (const name of row.chunks.keys()) {
    const [sequence = "", generation = ""] = name.split("/");
    if (Number(sequence) <= newest && !kept.has(`${sequence}/${generation}`)) row.chunks.delete(name);
  }
}
