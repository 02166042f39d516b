/** Lists that are read page by page, from their beginning to their end. */

import type { AuditView, Page, ReadStore } from "../../functions/store/store.ts";
import type { CustomerId, WorkloadId } from "../../schema/ids.ts";
import { auditEventsPageMax } from "../../schema/limits.ts";

type Answer<T> = Page<T> | "bad_cursor" | null;

/** `read` is given the cursor of the page before; null: what is asked about is not there. */
export async function wholeList<T>(read: (cursor: string | undefined) => Promise<Answer<T>>): Promise<T[] | null> {
  const items: T[] = [];
  for (let cursor: string | undefined; ; ) {
    const page = await read(cursor);
    if (page === null) return null;
    if (page === "bad_cursor") throw new Error("a list does not know its own cursor");
    if (page.hasMore !== (page.nextCursor !== null)) throw new Error("a page says both that there is more and is not");
    items.push(...page.items);
    if (page.nextCursor === null) return items;
    cursor = page.nextCursor;
  }
}

export const wholeTrail = (
  store: Pick<ReadStore, "audit">,
  customerId: CustomerId,
  id: WorkloadId,
): Promise<AuditView[] | null> =>
  wholeList((cursor) => store.audit(customerId, id, { limit: auditEventsPageMax, cursor }));
