/** What a gateway was asked, and when nobody asks it any more. */
import { expect } from "vitest";
import { z } from "zod";

export const trafficSchema = z.object({ queries: z.int(), under_way: z.int() });
export type Traffic = z.infer<typeof trafficSchema>;

const settleMsMax = 20_000;
/** Between two questions of one turn of work there may be a look at which none is under way. */
const looksInARow = 5;

/** How many queries there were until no look found one more, nor one under way. */
export async function atRest(look: () => Promise<Traffic>): Promise<number> {
  let [queries, unchanged] = [-1, 0];
  const isUnchanged = async () => {
    const now = await look();
    unchanged = now.under_way === 0 && now.queries === queries ? unchanged + 1 : 0;
    queries = now.queries;
    return unchanged;
  };
  await expect.poll(isUnchanged, { timeout: settleMsMax }).toBeGreaterThanOrEqual(looksInARow);
  return queries;
}
