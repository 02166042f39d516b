/** JSON of users, read as text: the driver's parser and drizzle's, one after the other, would turn "12" into 12. */
import { type AnyColumn, type SQL, sql } from "drizzle-orm";
import type { Json } from "../../../schema/json.ts";

export const jsonText = (column: AnyColumn): SQL<string | null> => sql<string | null>`${column}::text`;

export const parseJson = (text: string | null): Json => (text === null ? null : (JSON.parse(text) as Json));
