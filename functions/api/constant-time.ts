/** Comparing secrets so that the time it takes says nothing about where they differ. */
import { sha256Hex } from "../../schema/api-key.ts";

/** For texts of one public length, such as hashes. */
export function constantTimeEqual(left: string, right: string): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let at = 0; at < left.length; at++) difference |= left.charCodeAt(at) ^ right.charCodeAt(at);
  return difference === 0;
}

/** For secrets whose length is secret too: their hashes are compared. */
export async function sameSecret(given: string, expected: string): Promise<boolean> {
  const [left, right] = await Promise.all([sha256Hex(given), sha256Hex(expected)]);
  return constantTimeEqual(left, right);
}
