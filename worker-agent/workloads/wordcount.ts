/** `text.wordcount`: streams a file on the worker's disk and counts it; resumes at the byte where it stopped. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { z } from "zod";
import { CheckpointError, defineWorkload, PermanentError, type WorkloadContext } from "../sdk.ts";
import { WordTally } from "./word-tally.ts";

const chunkBytesMax = 64 * 1024;
/** With a speed limit, chunks are small enough for this many a second. */
const chunksPerSecond = 20;
const checkpointPercent = 5;

const inputSchema = z.object({
  path: z.string().min(1),
  bytes_per_second: z.number().min(1).optional(),
});
const stateSchema = z.object({
  bytes: z.number(),
  lines: z.number(),
  words: z.number(),
  in_word: z.string(),
  exact: z.boolean(),
  counts: z.array(z.tuple([z.string(), z.number()])),
});
type CountContext = WorkloadContext<z.output<typeof inputSchema>, z.output<typeof stateSchema>>;

export const wordcount = defineWorkload({ type: "text.wordcount", input: inputSchema, state: stateSchema, run });

async function run(context: CountContext) {
  const file = await openOrRefuse(context.input.path);
  try {
    return await count(context, file);
  } finally {
    await file.close();
  }
}

async function count(context: CountContext, file: FileHandle) {
  const { signal, progress } = context;
  const { size } = await file.stat();
  const tally = new WordTally(context.checkpoint);
  context.checkpointFrom(() => ({ ...tally.state() }));
  const chunkBytes = chunkBytesOf(context.input.bytes_per_second);
  const buffer = Buffer.alloc(chunkBytes);
  let savedPercent = percentOf(tally.bytes, size);
  for (;;) {
    signal.throwIfAborted();
    const { bytesRead } = await file.read(buffer, 0, chunkBytes, tally.bytes);
    if (bytesRead === 0) return tally.result();
    tally.add(buffer.subarray(0, bytesRead));
    const percent = percentOf(tally.bytes, size);
    progress(percent);
    if (percent - savedPercent >= checkpointPercent && percent < 100) {
      await save(context, tally);
      savedPercent = percent;
    }
    await slowDown(context, bytesRead);
  }
}

async function save({ saveCheckpoint, log }: CountContext, tally: WordTally): Promise<void> {
  try {
    await saveCheckpoint({ ...tally.state() });
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    log.warn(`it goes on without a new checkpoint: ${error.message}`);
  }
}

async function slowDown({ input, signal }: CountContext, bytes: number): Promise<void> {
  if (input.bytes_per_second === undefined) return;
  await wait((bytes / input.bytes_per_second) * 1_000, undefined, { signal });
}

const chunkBytesOf = (bytesPerSecond: number | undefined): number =>
  bytesPerSecond === undefined
    ? chunkBytesMax
    : Math.max(1, Math.min(chunkBytesMax, Math.floor(bytesPerSecond / chunksPerSecond)));

/** A file may have grown since it was measured. */
const percentOf = (bytes: number, size: number): number => (size === 0 ? 100 : Math.min(100, (bytes / size) * 100));

/** Without O_NONBLOCK, opening a FIFO would wait for a writer in a thread that all file operations share. */
async function openOrRefuse(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw new PermanentError(`cannot read ${path}`, { cause: error });
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new PermanentError(`${path} is not a file`);
}
