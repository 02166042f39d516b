/** The form in which a state travels and rests: one tag byte, then JSON text or the bytes as they are. */
import type { Json } from "../../schema/json.ts";
import { CheckpointError, type State } from "../sdk.ts";

const jsonTag = 0x4a;
const bytesTag = 0x42;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

const tagged = (tag: number, content: Uint8Array): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(content.length + 1);
  bytes[0] = tag;
  bytes.set(content, 1);
  return bytes;
};

/** Throws a `CheckpointError` for what is neither JSON nor bytes. */
export function serialiseState(state: State): Uint8Array<ArrayBuffer> {
  if (state instanceof Uint8Array) return tagged(bytesTag, state);
  return tagged(jsonTag, encoder.encode(jsonText(state)));
}

function jsonText(state: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(state);
  } catch (error) {
    throw new CheckpointError("CHECKPOINT_INVALID", "the state of a checkpoint must be JSON or bytes", {
      cause: error,
    });
  }
  if (text === undefined) throw new CheckpointError("CHECKPOINT_INVALID", "there is no state in this checkpoint");
  return text;
}

export function parseState(bytes: Uint8Array): State {
  const content = bytes.subarray(1);
  return bytes[0] === bytesTag ? Uint8Array.from(content) : (JSON.parse(decoder.decode(content)) as Json);
}

/** The content as a file holds it: the JSON text, or the bytes. */
export const stateContent = (bytes: Uint8Array): Uint8Array => bytes.subarray(1);
