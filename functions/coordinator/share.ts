/** How much of a customer's cap a pool may use: what its workloads in other pools leave (I19). */
import type { Pool } from "../../schema/affinity.ts";
import type { Share } from "../domain/demand.ts";
import type { Session } from "./session.ts";

/** Of a customer that is suspended nothing more is started; what holds a slot goes on. */
const leftFor = ({ customer, book }: Session, pool: Pool): number =>
  customer.suspended ? 0 : Math.max(0, customer.limits.runningMax - (book.heldCount - book.heldIn(pool)));

/** To be told to this pool, which counts only its own against it. */
export function shareOf(session: Session, pool: Pool): Share {
  const runningMax = leftFor(session, pool);
  session.toldMax.set(pool, runningMax);
  return { weight: session.customer.limits.weight, runningMax };
}

/** The pools that wait at the bound they were told, while it is higher by now. */
export function poolsToRaise(session: Session): Pool[] {
  const { book, toldMax } = session;
  return Array.from(toldMax.keys()).filter((pool) => {
    const told = toldMax.get(pool) ?? 0;
    return told <= book.heldIn(pool) && leftFor(session, pool) > told && book.isWaiting(pool);
  });
}
