/** Tells the other pools of a customer what has changed for them by what has happened in some. */
import type { Pool } from "../../schema/affinity.ts";
import type { CoordinatorDeps, Session } from "./session.ts";
import { poolsToRaise } from "./share.ts";
import { updateOf } from "./update.ts";

/** Work has come to `entered`; and a slot that is given back is room under the cap in all. `told` know already. */
export function tellOthers(
  deps: CoordinatorDeps,
  session: Session,
  told: readonly Pool[],
  entered: readonly Pool[],
): void {
  for (const pool of new Set([...entered, ...poolsToRaise(session)])) {
    if (!told.includes(pool)) deps.background(deps.pool(pool).update(updateOf(session, pool)));
  }
}

/** What all of them go by has changed: the customer's terms, or what its types need. */
export function tellAllPools(deps: CoordinatorDeps, session: Session): void {
  for (const pool of session.book.pools()) deps.background(deps.pool(pool).update(updateOf(session, pool)));
}
