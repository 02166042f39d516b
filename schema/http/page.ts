/** Pages of lists that are read by a cursor alone. */
import { z } from "zod";
import { listItemsDefault, listItemsMax } from "../limits.ts";
import { integerText } from "./workload.ts";

export const pageFields = {
  limit: integerText(1, listItemsMax).default(listItemsDefault),
  cursor: z.string().max(512).optional(),
};

export const pageQuerySchema = z.strictObject(pageFields);
export type PageQuery = z.infer<typeof pageQuerySchema>;

export const paginationSchema = z.object({
  limit: z.int(),
  has_more: z.boolean(),
  next_cursor: z.string().nullable(),
});
