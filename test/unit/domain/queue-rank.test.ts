/** The queue rank: the order of effective priorities, whenever it is looked at. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { queueRank } from "../../../functions/domain/queue-rank.ts";
import { priorityMax, waitBoostPerMinuteDefault } from "../../../schema/limits.ts";

const boost = waitBoostPerMinuteDefault;
const dayMs = 86_400_000;
const submission = fc.record({ createdAt: fc.nat(dayMs), priority: fc.nat(priorityMax) });
const weight = fc.constantFrom(1, 10, 50, 100);

describe("the queue rank", () => {
  it("orders two workloads as their effective priorities do at any later time", () => {
    fc.assert(
      fc.property(submission, submission, weight, fc.nat(dayMs), (a, b, tierWeight, laterMs) => {
        const now = dayMs + laterMs;
        const effective = ({ createdAt, priority }: typeof a) =>
          priority * tierWeight + ((now - createdAt) / 60_000) * boost;
        const rank = ({ createdAt, priority }: typeof a) => queueRank(createdAt, priority, tierWeight, boost);
        const lead = effective(a) - effective(b);
        const boostPerMs = boost / 60_000;
        if (Math.abs(lead) > boostPerMs) expect(Math.sign(rank(b) - rank(a))).toBe(Math.sign(lead));
      }),
    );
  });

  it("lets a workload of any priority be overtaken only by those submitted within a stated time after it", () => {
    fc.assert(
      fc.property(submission, fc.nat(priorityMax), weight, (early, rival, tierWeight) => {
        const overtakenMs = ((priorityMax - early.priority) * tierWeight * 60_000) / boost;
        const late = early.createdAt + overtakenMs + 1;
        expect(queueRank(early.createdAt, early.priority, tierWeight, boost)).toBeLessThanOrEqual(
          queueRank(late, rival, tierWeight, boost),
        );
      }),
    );
  });
});
