/** Column kinds that several tables share. */
import { bigint, customType, text, timestamp } from "drizzle-orm/pg-core";

/** An id of `schema/ids.ts`; byte order is time order. */
export const id = (name: string) => text(name);
/** Milliseconds are enough, and all that the API shows. */
export const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: "date" });
export const counter = (name: string) => bigint(name, { mode: "number" });

export const bytes = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => "bytea" });
