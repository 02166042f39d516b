/** Cursors of lists: where a page ended, as text that means nothing to a client. */
import type { z } from "zod";

type Place = readonly (string | number)[];

export const encodeCursor = (place: Place): string =>
  btoa(JSON.stringify(place)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

/** Null: no cursor, the first page. */
export function decodeCursor<P extends Place>(
  schema: z.ZodType<P>,
  cursor: string | undefined,
): P | null | "bad_cursor" {
  if (cursor === undefined) return null;
  const place = schema.safeParse(parse(cursor));
  return place.success ? place.data : "bad_cursor";
}

function parse(cursor: string): unknown {
  try {
    return JSON.parse(atob(cursor.replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return undefined; // not one of ours: the schema says so
  }
}
