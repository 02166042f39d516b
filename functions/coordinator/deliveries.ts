/** Keeps count of what was told to pools and has not arrived yet. */
import type { Pool } from "../../schema/affinity.ts";
import type { PoolLink } from "./session.ts";

export interface Deliveries {
  readonly pool: (name: Pool) => PoolLink;
  /** Resolves when all that was told to this pool has arrived, or never will. */
  arrived(name: Pool): Promise<void>;
}

export function trackDeliveries(pool: (name: Pool) => PoolLink): Deliveries {
  const open = new Map<Pool, Set<Promise<void>>>();
  const openTo = (name: Pool) => {
    const known = open.get(name) ?? new Set();
    open.set(name, known);
    return known;
  };
  return {
    pool: (name) => ({
      place: (request) => pool(name).place(request),
      update: (update) => {
        const told = pool(name).update(update);
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
