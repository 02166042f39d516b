/** How many rows travel in one parameter: as JSON, which costs a Worker less to encode than a dozen arrays. */
import { type SQL, sql } from "drizzle-orm";

/** A row to be sent; what is absent arrives as null. */
export type SentRow = Readonly<Record<string, unknown>>;

/** `columns`: names and types, as in a column definition list. */
export const recordset = (rows: readonly SentRow[], columns: SQL): SQL =>
  sql`json_to_recordset(${JSON.stringify(rows)}::json) as ${columns}`;

export const isoTime = (at: number): string => new Date(at).toISOString();
export const sentTime = (at: number | null): string | undefined => (at === null ? undefined : isoTime(at));
/** Null, zero and the empty text are what a column takes when nothing is sent. */
export const sent = <T>(value: T): T | undefined => value || undefined;

/** What came back of one statement that answers one row. */
export function onlyRow<Row>(result: { rows: readonly Row[] }): Row {
  const [row] = result.rows;
  if (row === undefined) throw new Error("unreachable: a statement that always answers one row answered none");
  return row;
}
