/** What a watcher asks for, how it is remembered while nobody holds it in mind, and the cursors it is given. */
import { z } from "zod";
import { type WorkloadId, workloadIdSchema } from "../../schema/ids.ts";
import { sequenceMax } from "../../schema/limits.ts";
import type { LivePlace } from "../domain/live.ts";
import { decodeCursor, encodeCursor } from "../store/cursor.ts";

/** From the Worker, which has authenticated whom it is for; nothing of it is the client's own word but the cursor. */
export const watchSchema = z.object({
  principalId: z.string(),
  /** Milliseconds; null: the credentials do not expire. */
  expiresAt: z.number().nullable(),
  /** Null: all workloads of the customer. */
  workloadId: workloadIdSchema.nullable(),
  cursor: z.string().nullable(),
  /** `events`: a stream that would have nothing to tell is not begun. */
  transport: z.enum(["websocket", "events"]),
  /** Of the reply to who asked for the socket. */
  headers: z.record(z.string(), z.string()),
});
export type Watch = z.infer<typeof watchSchema>;

const placeSchema = z.object({ eventId: z.int(), generation: z.int(), line: z.int() });

/** What stays with the socket when the object is evicted. */
export const watcherStateSchema = z.object({
  ...watchSchema.pick({ principalId: true, expiresAt: true, workloadId: true }).shape,
  place: placeSchema,
  /** The workload is terminal: when all is told, the stream ends. */
  over: z.boolean(),
  /** Messages that meant nothing here. */
  nonsense: z.int(),
});
export type WatcherState = z.infer<typeof watcherStateSchema>;

const everything = "*";
const count = z.int().min(0).max(sequenceMax);
const livePlaceSchema = z.tuple([z.literal("live"), z.string(), z.int().min(0), count, count]);

export const cursorOf = (workloadId: WorkloadId | null, { eventId, generation, line }: LivePlace): string =>
  encodeCursor(["live", workloadId ?? everything, eventId, generation, line]);

/** Null: no cursor, so from now on. A cursor is good for the stream that gave it, and for no other. */
export function placeOf({ workloadId, cursor }: Pick<Watch, "workloadId" | "cursor">): LivePlace | null | "bad_cursor" {
  const place = decodeCursor<z.infer<typeof livePlaceSchema>>(livePlaceSchema, cursor ?? undefined);
  if (place === null || place === "bad_cursor") return place;
  const [, of, eventId, generation, line] = place;
  return of === (workloadId ?? everything) ? { eventId, generation, line } : "bad_cursor";
}
