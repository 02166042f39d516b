/** Waits for one message of a child on its channel. */
import { on } from "node:events";
import type { z } from "zod";
import { type Child, endedEarly } from "./child.ts";

/** The first message that fits the schema; an error when the child ends before it sends one. */
export async function untilMessage<Message>(
  child: Child,
  part: string,
  schema: z.ZodType<Message>,
  logFile: string,
  signal: AbortSignal,
): Promise<Message> {
  const stop = new AbortController();
  const ended = child.exited.then((exit) => {
    throw endedEarly(part, exit, logFile);
  });
  try {
    return await Promise.race([ended, firstMatch(child, schema, AbortSignal.any([signal, stop.signal]))]);
  } finally {
    stop.abort();
    ended.catch(() => undefined); // from now on its end is the part's to notice
  }
}

async function firstMatch<Message>(child: Child, schema: z.ZodType<Message>, signal: AbortSignal): Promise<Message> {
  for await (const [message] of on(child.process, "message", { signal })) {
    const parsed = schema.safeParse(message);
    if (parsed.success) return parsed.data;
  }
  throw new Error("unreachable: the messages of a child never end without an error");
}
