/** Lets other pools of a customer have what has come free in one. */
import type { Pool } from "../../schema/affinity.ts";
import type { CoordinatorDeps, Session } from "./session.ts";
import { poolsToRaise } from "./share.ts";
import { updateOf } from "./update.ts";

/** A slot that is given back in one pool is room under the cap in all; `but` is told anyway. */
export function offerElsewhere(deps: CoordinatorDeps, session: Session, but: Pool): void {
  for (const pool of poolsToRaise(session)) {
    if (pool !== but) deps.background(deps.pool(pool).update(updateOf(session, pool)));
  }
}
