/** The temporary folder of one process: its checkpoint, and a place to work that nobody else uses. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stateContent } from "../checkpoint/state.ts";

const removeTriesMax = 3;

export const makeProcessFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "niyanta-"));

export async function furnish(
  folder: string,
  state: Uint8Array | null,
): Promise<{ checkpointFile: string; cwd: string }> {
  const cwd = join(folder, "work");
  await mkdir(cwd);
  const checkpointFile = join(folder, "checkpoint");
  await writeFile(checkpointFile, state === null ? "" : stateContent(state));
  return { checkpointFile, cwd };
}

/** Something that has escaped its group may still write there: hence the tries. */
export const removeProcessFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: removeTriesMax });
