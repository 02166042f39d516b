/** Counts a file without Niyanta: with `wc`, or by hand where there is none. */
import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { promisify } from "node:util";
import { z } from "zod";

export const countsSchema = z.object({ lines: z.int(), words: z.int(), bytes: z.int() });
export type Counts = z.infer<typeof countsSchema>;

export interface Counted {
  by: string;
  counts: Counts;
}

const run = promisify(execFile);

export async function countWords(path: string, signal: AbortSignal): Promise<Counted> {
  try {
    const { stdout } = await run("wc", ["-l", "-w", "-c", path], { signal, env: { ...process.env, LC_ALL: "C" } });
    return { by: "wc", counts: readWc(stdout) };
  } catch (error) {
    if (!isMissing(error)) throw new Error(`counting ${path} with wc`, { cause: error });
    return { by: "Node", counts: await countByHand(path, signal) };
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && "code" in error && error.code === "ENOENT";

/** `wc` prints lines, words and bytes in this order, however it was asked. */
export function readWc(output: string): Counts {
  const [lines, words, bytes] = output.trim().split(/\s+/).map(Number);
  return countsSchema.parse({ lines, words, bytes });
}

export async function countByHand(path: string, signal: AbortSignal): Promise<Counts> {
  const counts = { lines: 0, words: 0, bytes: 0 };
  let isInWord = false;
  for await (const chunk of createReadStream(path, { signal })) {
    for (const byte of z.instanceof(Buffer).parse(chunk)) {
      const isSpace = byte === 32 || (byte >= 9 && byte <= 13);
      if (byte === 10) counts.lines += 1;
      if (!isSpace && !isInWord) counts.words += 1;
      isInWord = !isSpace;
      counts.bytes += 1;
    }
  }
  return counts;
}

export const sameCounts = (a: Counts, b: Counts): boolean =>
  a.lines === b.lines && a.words === b.words && a.bytes === b.bytes;

const grouped = (value: number): string => value.toLocaleString("en-US");

export const describeCounts = ({ lines, words, bytes }: Counts): string =>
  `${grouped(lines)} lines, ${grouped(words)} words, ${grouped(bytes)} bytes`;
