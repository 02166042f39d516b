/** How a coordinator writes to the directory: one statement under its epoch, with what is to be remembered in it. */
import { type SQL, sql } from "drizzle-orm";
import type { Lead, Remembered, Written } from "../../store.ts";
import type { Database } from "../database.ts";
import { attempt } from "../failure.ts";
import { insertReply } from "../idempotency-keys.ts";
import { isLeader, type LeaderRow, leaderCte, notLeader, written } from "../leader.ts";
import { onlyRow } from "../rows.ts";

/** Of a condition: whether this statement may write. */
export const byLeader = sql`exists (select from leader)`;

/** More CTEs of the statement; none: nothing is remembered. */
export const remembered = (lead: Lead, remember: Remembered | null, now: number): SQL =>
  remember === null
    ? sql.empty()
    : sql`, remembered as (${insertReply(lead.customerId, remember, now, sql`from leader`)})`;

/** `ctes` follow the leader's; `answer` is what the statement tells. */
export async function asLeader<Row extends Record<string, unknown>>(
  db: Database,
  lead: Lead,
  what: string,
  ctes: SQL,
  answer: SQL = sql.empty(),
): Promise<Written<Row>> {
  const statement = sql`with ${leaderCte(lead)}, ${ctes} select ${isLeader} ${answer}`;
  const row = onlyRow(await attempt(what, db.execute<LeaderRow & Row>(statement)));
  return row.leader ? written(row) : notLeader;
}

/** Of a statement that either is written or is not. */
export async function onlyWritten(write: Promise<Written<unknown>>): Promise<Written<null>> {
  const outcome = await write;
  return outcome.kind === "written" ? written(null) : outcome;
}
