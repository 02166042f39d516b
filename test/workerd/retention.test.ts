/** The hourly trigger in the real runtime: what it drops, and what it leaves to the trigger of each minute. */
import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import worker from "../../functions/index.ts";
import { idempotencyKeyHoursDefault } from "../../schema/limits.ts";
import { groupOf, newSubmission } from "../support/records.ts";
import * as world from "./world.ts";

const hourMs = 3_600_000;
const fire = (cron: string) => worker.scheduled(createScheduledController({ cron }), { ...env });

test("drops what is too old when its hour comes, and only then", async () => {
  const customerId = await world.newCustomer();
  const lead = (await world.store.lead(customerId, 1, Date.now()))?.lead;
  if (lead === undefined) throw new Error("the customer that was just made is not there");
  const old = Date.now() - (idempotencyKeyHoursDefault + 1) * hourMs;
  await world.store.insert(lead, [groupOf([newSubmission()], "old")], old);
  await world.store.insert(lead, [groupOf([newSubmission()], "young")], Date.now());
  const known = async (key: string) =>
    (await world.store.submittedUnder(customerId, { key, bodySha256: "a" }, old)) !== null;
  await fire("* * * * *");
  expect([await known("old"), await known("young")]).toEqual([true, true]);
  await fire("17 * * * *");
  expect([await known("old"), await known("young")]).toEqual([false, true]);
});
