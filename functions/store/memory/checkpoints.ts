/** Checkpoints in memory: taken only when every chunk is there and size and hash are right. */
import { checkpointStepMax, checkpointsKeptMax } from "../../../schema/limits.ts";
import type { Chunk } from "../../../schema/messages/to-coordinator.ts";
import type { CheckpointNotice } from "../../../schema/messages/worker-events.ts";
import type { ChunkOutcome } from "../store.ts";
import type { WorkloadRow } from "./rows.ts";

export const chunkName = (sequence: number, generation: number, index: number): string =>
  `${sequence}/${generation}/${index}`;

export const decodeBytes = (base64: string): Uint8Array => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));

/** Chunks are never overwritten: what a checkpoint was verified with is what it has. */
export function storeChunk(row: WorkloadRow, sequence: number, generation: number, index: number, data: string): void {
  const name = chunkName(sequence, generation, index);
  if (!row.chunks.has(name)) row.chunks.set(name, decodeBytes(data));
}

/** Newer than what the workload has, but not by more than a few. */
export const isNext = ({ workload }: WorkloadRow, sequence: number): boolean =>
  sequence > workload.checkpointSequence && sequence <= workload.checkpointSequence + checkpointStepMax;

/** Of one checkpoint that is not announced yet, no more: a chunk of the next takes the place of what was begun before. */
export function takeChunk(row: WorkloadRow, { sequence, generation, index, data }: Chunk): ChunkOutcome {
  const open = openChunks(row);
  const isPast = open.some((one) => one.generation === generation && one.sequence > sequence);
  if (isPast || !isNext(row, sequence)) return "refused";
  for (const one of open) {
    if (one.sequence !== sequence || one.generation !== generation) row.chunks.delete(one.name);
  }
  storeChunk(row, sequence, generation, index, data);
  return "stored";
}

/** What an attempt began and never announced ends with it. */
export function dropUnannounced(row: WorkloadRow): void {
  for (const { name } of openChunks(row)) row.chunks.delete(name);
}

const openChunks = (row: WorkloadRow) =>
  Array.from(row.chunks.keys(), (name) => {
    const [sequence, generation] = name.split("/").map(Number);
    return { name, sequence: sequence ?? 0, generation: generation ?? 0 };
  }).filter(({ sequence }) => sequence > row.workload.checkpointSequence);

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

/** One checkpoint for another workload, as made before its first attempt. */
export function copiedCheckpoint(
  from: WorkloadRow | undefined,
  sequence: number | null,
  now: number,
): Pick<WorkloadRow, "checkpoints" | "chunks"> {
  const found = from?.checkpoints.find((checkpoint) => checkpoint.sequence === sequence);
  if (from === undefined || found === undefined) return { checkpoints: [], chunks: new Map() };
  const chunks = Array.from({ length: found.chunks }, (_, index) => {
    const data = from.chunks.get(chunkName(found.sequence, found.generation, index));
    return [chunkName(found.sequence, 0, index), data ?? new Uint8Array()] as const;
  });
  return { checkpoints: [{ ...found, generation: 0, createdAt: now }], chunks: new Map(chunks) };
}
