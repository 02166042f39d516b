/** Pages of lists, and their cursors: where a page ended, as text that means nothing to a client. */
import type { z } from "zod";
import type { Page } from "./store.ts";

type Place = readonly (string | number)[];

export const encodeCursor = (place: Place): string =>
  btoa(JSON.stringify(place)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

/** Of what was read from the cursor on, one more than the limit at least where there is more. */
export function pageOf<T>(rest: readonly T[], limit: number, placeOf: (last: T) => Place): Page<T> {
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  const hasMore = rest.length > limit;
  return { items, hasMore, nextCursor: hasMore && last !== undefined ? encodeCursor(placeOf(last)) : null };
}

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
