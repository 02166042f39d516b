/** What one line of a process's stdout means (SPEC §9): a message to the agent, or a log line. */
import { z } from "zod";
import { type Json, jsonSchema } from "../../schema/json.ts";

export type OutputLine =
  | { readonly kind: "log"; readonly text: string }
  | { readonly kind: "progress"; readonly percent: number; readonly message: string | null }
  | { readonly kind: "checkpoint_file"; readonly path: string }
  | { readonly kind: "checkpoint_data"; readonly data: Json }
  | { readonly kind: "result"; readonly data: Json }
  | { readonly kind: "invalid"; readonly problem: string };

const messageSchema = z.discriminatedUnion("niyanta", [
  z.object({ niyanta: z.literal("progress"), percent: z.number().min(0).max(100), message: z.string().optional() }),
  z.object({ niyanta: z.literal("checkpoint"), file: z.string().min(1).optional(), data: jsonSchema.optional() }),
  z.object({ niyanta: z.literal("result"), data: jsonSchema }),
]);
type Message = z.infer<typeof messageSchema>;

export function parseOutputLine(text: string): OutputLine {
  const value = objectIn(text);
  if (value === null || !("niyanta" in value)) return { kind: "log", text };
  const parsed = messageSchema.safeParse(value);
  return parsed.success ? meaningOf(parsed.data) : { kind: "invalid", problem: z.prettifyError(parsed.error) };
}

function meaningOf(message: Message): OutputLine {
  if (message.niyanta === "progress") {
    return { kind: "progress", percent: message.percent, message: message.message ?? null };
  }
  if (message.niyanta === "result") return { kind: "result", data: message.data };
  if (message.file !== undefined) return { kind: "checkpoint_file", path: message.file };
  if (message.data !== undefined) return { kind: "checkpoint_data", data: message.data };
  return { kind: "invalid", problem: "a checkpoint needs `file` or `data`" };
}

function objectIn(text: string): object | null {
  if (!text.trimStart().startsWith("{")) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}
