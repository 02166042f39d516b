/** Reads the checkpoint file that a process names: whatever it is, it costs a bounded time and a bounded memory. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { serialiseState } from "../checkpoint/state.ts";
import { stateBytesMax } from "../limits.ts";
import { CheckpointError } from "../sdk.ts";

const readBytesMax = 1024 * 1024;

/** Rejects with a `CheckpointError` for what is no file or too large, and with the system's error for what is not there. */
export async function stateInFile(path: string, signal: AbortSignal): Promise<Uint8Array> {
  // Without O_NONBLOCK, opening a FIFO would wait for a writer in a thread that all file operations share.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new CheckpointError("CHECKPOINT_INVALID", `${path} is not a file`);
    return serialiseState(await contentOf(file, path, signal));
  } finally {
    await file.close();
  }
}

/** One byte more than the limit is asked for: a file may grow while it is read, and some say that they have no size. */
async function contentOf(file: FileHandle, path: string, signal: AbortSignal): Promise<Uint8Array> {
  const { size } = await file.stat();
  if (size > stateBytesMax) throw tooLarge(path);
  const stream = file.createReadStream({ end: stateBytesMax, signal, autoClose: false, highWaterMark: readBytesMax });
  const content = await buffer(stream);
  if (content.length > stateBytesMax) throw tooLarge(path);
  return content;
}

const tooLarge = (path: string) =>
  new CheckpointError("CHECKPOINT_TOO_LARGE", `${path} has more than ${stateBytesMax} bytes`);
