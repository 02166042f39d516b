/** Attempts read off the trail: one an assignment, each with its end, whatever else happens to the workload. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attemptsOf, type TrailEvent } from "../../../functions/domain/attempts.ts";
import type { Workload } from "../../../functions/domain/workload.ts";
import type { AttemptOutcome } from "../../../schema/http/attempt.ts";
import { isHeld } from "../../../schema/status.ts";
import { ids, newWorkload, t0 } from "../../support/records.ts";
import { type HappeningName, happenings } from "./lifecycle.ts";

interface Expected {
  readonly generation: number;
  readonly from_checkpoint: number | null;
  outcome: AttemptOutcome;
}

const names = Object.keys(happenings).filter((name): name is HappeningName => name in happenings);
const workerId = ids.worker();

/** How an attempt ends by this, when it ends by it. */
function endBy(name: HappeningName, { intent }: Workload, next: Workload): AttemptOutcome {
  if (name === "paused") return intent === null ? "handed_back" : intent.kind === "move" ? "moved" : "paused";
  if (name === "failed for now") return next.status === "FAILED" ? "failed" : "retried";
  return ends[name] ?? "running";
}

const ends: Partial<Record<HappeningName, AttemptOutcome>> = {
  cancelled: "cancelled",
  "asked to pause": "paused",
  "asked to move": "moved",
  "timed out": "timed_out",
  "worker lost": "lost",
  "worker removed": "lost",
  released: "lost",
  "assignment refused": "refused",
  "assignment unanswered": "unanswered",
  completed: "completed",
  "failed for good": "failed",
  "handed back": "handed_back",
};

/** Lets these happen one after the other, and keeps its own account of the attempts. */
function live(story: readonly HappeningName[]): { trail: TrailEvent[]; expected: Expected[]; last: Workload } {
  const trail: TrailEvent[] = [];
  const expected: Expected[] = [];
  let workload = newWorkload();
  let saved: number | null = null;
  for (const [index, name] of story.entries()) {
    const moment = { now: t0 + 400_000 * (index + 1), random: 0.5 };
    const decision = happenings[name](workload, { workerId, generation: workload.generation, moment });
    if (decision.kind !== "change") continue;
    const { next, audit } = decision.change;
    for (const { eventType, at, generation, details } of audit)
      trail.push({ event_type: eventType, timestamp: new Date(at).toISOString(), generation, details });
    const open = isHeld(workload.status) ? expected.at(-1) : undefined;
    if (next.checkpointSequence > 0) saved = next.checkpointSequence;
    if (open !== undefined) open.outcome = isHeld(next.status) ? "running" : endBy(name, workload, next);
    if (name === "placed") expected.push({ generation: next.generation, from_checkpoint: saved, outcome: "scheduled" });
    workload = next;
  }
  return { trail, expected, last: workload };
}

describe("the attempts at a workload", () => {
  test("are one an assignment, each with its end, in every history that can be", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...names), { maxLength: 30 }), (story) => {
        const { trail, expected, last } = live(story);
        const attempts = attemptsOf(trail);
        expect(
          attempts.map(({ generation, from_checkpoint, outcome }) => ({ generation, from_checkpoint, outcome })),
        ).toEqual(expected);
        const open = attempts.filter(({ ended_at }) => ended_at === null);
        expect(open).toEqual(isHeld(last.status) ? attempts.slice(-1) : []);
      }),
      { numRuns: 500 },
    );
  });

  test("carry the error that ended them, and the times", () => {
    const { trail } = live(["placed", "started", "failed for now", "placed", "started", "completed"]);
    expect(attemptsOf(trail)).toMatchObject([
      { outcome: "retried", error: { type: "Broken", message: "it broke" }, worker_id: workerId },
      { outcome: "completed", error: null, started_at: new Date(t0 + 5 * 400_000).toISOString() },
    ]);
  });

  test("of a retry by hand begin from the checkpoint that it was made with", () => {
    const created: TrailEvent = {
      ...{ event_type: "workload.created", timestamp: new Date(t0).toISOString(), generation: 0 },
      details: { retry_of: "wl_1", from_checkpoint: 7 },
    };
    expect(attemptsOf([created, ...live(["placed"]).trail])).toMatchObject([{ from_checkpoint: 7 }]);
  });
});
