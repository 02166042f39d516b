/** Lists that are read page by page with a cursor alone. */
import { type PageQuery, pageQuerySchema } from "../../schema/http/page.ts";
import type { Page } from "../store/store.ts";
import type { QueryShape } from "./query.ts";
import { invalidAt } from "./validation.ts";

export const pageShape: QueryShape<PageQuery> = { schema: pageQuerySchema, repeatable: [], times: [] };

export const paginationOf = ({ hasMore, nextCursor }: Page<unknown>, limit: number) => ({
  limit,
  has_more: hasMore,
  next_cursor: nextCursor,
});

export const examplePagination = { limit: 50, has_more: false, next_cursor: null };

export const badCursor = { refusal: invalidAt("cursor", "not a cursor of this list").refusal };
