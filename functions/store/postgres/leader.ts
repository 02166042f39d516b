/** Leadership: who may write under a scope, checked by every statement that a leader sends (DESIGN §2.2). */
import { type SQL, sql } from "drizzle-orm";
import type { Pool } from "../../../schema/affinity.ts";
import type { CustomerId } from "../../../schema/ids.ts";
import type { Lead, Written } from "../store.ts";

export const customerScope = (customerId: CustomerId): string => `customer:${customerId}`;
export const poolScope = (pool: Pool): string => `pool:${pool}`;

/**
 * The CTE that a leader's statement starts from: empty when a newer epoch was taken. FOR SHARE makes the taking of an
 * epoch wait for statements in flight, and a statement that waited for the taking looks at the row again.
 */
export const leaderOf = (scope: string, epoch: number): SQL =>
  sql`leader as (select 1 from coordinator_epochs where scope = ${scope} and epoch = ${epoch} for share)`;

export const leaderCte = (lead: Lead): SQL => leaderOf(customerScope(lead.customerId), lead.epoch);

export const isLeader = sql`exists (select from leader) as leader`;

export interface LeaderRow extends Record<string, unknown> {
  readonly leader: boolean;
}

export const written = <T>(value: T): Written<T> => ({ kind: "written", value });
export const notLeader = { kind: "not_leader" } as const;
