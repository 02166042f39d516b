/** Attempts read off the trail: one an assignment, each with its end, whatever else happens to the workload. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { attemptsOf, type TrailEvent, wasLetGo } from "../../../functions/domain/attempts.ts";
import type { Workload } from "../../../functions/domain/workload.ts";
import type { AttemptOutcome } from "../../../schema/http/attempt.ts";
import { isHeld, isTerminal } from "../../../schema/status.ts";
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

/** Of each generation that was asked to pause while it ran: whether the pause was done, or a move in its place. */
function pausesIn(story: readonly HappeningName[]) {
  const asked = new Map<number, boolean>();
  let workload = newWorkload();
  for (const [index, name] of story.entries()) {
    const moment = { now: t0 + 400_000 * (index + 1), random: 0.5 };
    const decision = happenings[name](workload, { workerId, generation: workload.generation, moment });
    if (decision.kind !== "change") continue;
    const { next } = decision.change;
    if (next.intent?.kind === "pause") asked.set(next.generation, false);
    else if (asked.has(workload.generation) && workload.intent !== null && next.intent === null)
      asked.set(workload.generation, !isTerminal(next.status));
    workload = next;
  }
  return [...asked];
}

describe("the attempts at a workload", () => {
  test("were let go as they were asked to, or ended first, in every history that can be", () => {
    const asked = ["asked to pause", "asked to move", "asked to resume"] as const;
    const likely = fc.constantFrom<HappeningName>("placed", "started", ...asked, "paused", "worker lost", "completed");
    const happening = fc.oneof({ weight: 9, arbitrary: likely }, fc.constantFrom(...names));
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 30, size: "max" }), (story) => {
        const { trail } = live(story);
        const pauses = pausesIn(story);
        expect(pauses.map(([generation]) => [generation, wasLetGo(trail, generation)])).toEqual(pauses);
      }),
      // Its worker lost it without fencing, so the move carries the generation that was asked.
      { numRuns: 1_000, examples: [[["placed", "started", "asked to pause", "asked to move", "worker lost"]]] },
    );
  });

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
