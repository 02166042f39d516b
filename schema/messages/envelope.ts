/** The envelope around every broker message, and how it becomes bytes. */
import { z } from "zod";

export const protocolVersion = 1;

export const envelopeSchema = z.object({
  message_id: z.string().max(64),
  type: z.string().max(64),
  version: z.literal(protocolVersion),
  timestamp: z.iso.datetime(),
  sender_id: z.string().max(128),
  sender_type: z.enum(["worker", "coordinator"]),
  correlation_id: z.string().max(64).optional(),
  traceparent: z.string().max(64).optional(),
  payload: z.unknown(),
});
export type Envelope = z.infer<typeof envelopeSchema>;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

export const encodeMessage = (envelope: Envelope): Uint8Array => encoder.encode(JSON.stringify(envelope));

export type Decoded<T> = { ok: true; envelope: Envelope; message: T } | { ok: false; problem: string };

/** Bytes to a typed message, or what is wrong with them; never throws. `schema` discriminates on `type`. */
export function decodeMessage<T>(bytes: Uint8Array, schema: z.ZodType<T>): Decoded<T> {
  try {
    const envelope = envelopeSchema.parse(JSON.parse(decoder.decode(bytes)));
    return { ok: true, envelope, message: schema.parse({ type: envelope.type, payload: envelope.payload }) };
  } catch (error) {
    return { ok: false, problem: error instanceof z.ZodError ? z.prettifyError(error) : String(error) };
  }
}

/**
 * The answer to a message that could not be understood or served; `retry` says whether to send it again. `removed`: the
 * operator has removed this worker, it has to end.
 */
export const errorReplySchema = z.object({
  type: z.literal("error"),
  payload: z.object({
    code: z.enum(["invalid", "unavailable", "too_large", "removed"]),
    message: z.string(),
    retry: z.boolean(),
  }),
});
