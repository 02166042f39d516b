/** Keeps count of what was told to pools and has not arrived yet. */
import type { Pool } from "../../schema/affinity.ts";
import type { Update } from "../domain/demand.ts";
import type { PoolLink } from "./session.ts";

export interface Deliveries {
  readonly pool: (name: Pool) => PoolLink;
  /** Resolves when all that was told to this pool has arrived, or never will. */
  arrived(name: Pool): Promise<void>;
}

/** `onLost` is told of every update that may not have arrived. */
export function trackDeliveries(
  pool: (name: Pool) => PoolLink,
  onLost: (name: Pool, update: Update) => void,
): Deliveries {
  const open = new Map<Pool, Set<Promise<void>>>();
  const openTo = (name: Pool) => {
    const known = open.get(name) ?? new Set();
    open.set(name, known);
    return known;
  };
  return {
    pool: (name) => ({
      place: (request) => pool(name).place(request),
      explain: (request) => pool(name).explain(request),
      update: (update) => {
        const told = pool(name).update(update);
        told.catch(() => onLost(name, update));
        const tracked = told.finally(() => openTo(name).delete(tracked));
        openTo(name).add(tracked);
        return tracked;
      },
    }),
    arrived: async (name) => {
      await Promise.allSettled(openTo(name));
    },
  };
}
