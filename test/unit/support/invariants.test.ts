/** The checker of histories is proved first: each kind of broken promise is named by it. */
import { describe, expect, test } from "vitest";
import type { History, RecordedEvent } from "../../support/history.ts";
import { restViolations, violations } from "../../support/invariants.ts";

const event = (
  type: string,
  generation: number,
  details: RecordedEvent["details"] = {},
  actorId = "wkr_a",
): RecordedEvent => ({
  type: `workload.${type}`,
  actorType: ["scheduled", "created", "redistributed"].includes(type) ? "coordinator" : "worker",
  actorId,
  generation,
  details,
});

const created = event("created", 0);
const scheduled = event("scheduled", 1, { worker_id: "wkr_a" });
const started = event("started", 1);
const saved = event("checkpoint_created", 1, { sequence: 1 });
const completed = event("completed", 1);
const straight = [created, scheduled, started, saved, completed];

const good: History = {
  id: "wl_1",
  status: "COMPLETED",
  generation: 1,
  workerId: null,
  retryCount: 0,
  maxRetries: 3,
  deathCount: 0,
  checkpointSequence: 1,
  hasResult: true,
  hasCompletedAt: true,
  events: straight,
  checkpoints: [{ sequence: 1, generation: 1, isWhole: true }],
};
const because = (chosen: Partial<History>) => violations({ ...good, ...chosen }).join("\n");
const without = (dropped: RecordedEvent) => straight.filter((one) => one !== dropped);

describe("a history that keeps every promise", () => {
  test("goes straight through", () => {
    expect(violations(good)).toEqual([]);
  });

  test("may lose a worker, be handed back, be retried and come to its end", () => {
    const events = [
      ...[created, scheduled, started, saved, event("redistributed", 1, { reason: "worker lost", death_count: 1 })],
      ...[event("scheduled", 2, { worker_id: "wkr_b" }), event("started", 2, {}, "wkr_b")],
      ...[event("handed_back", 3, {}, "wkr_b"), event("scheduled", 4, { worker_id: "wkr_a" }), event("started", 4)],
      ...[event("retry_scheduled", 4, { retry: 1 }), event("scheduled", 5, { worker_id: "wkr_a" })],
      ...[
        event("redistributed", 6, { reason: "assignment unanswered" }),
        event("scheduled", 7, { worker_id: "wkr_a" }),
      ],
      ...[event("started", 7), event("completed", 7)],
    ];
    expect(because({ events, generation: 7, retryCount: 1, deathCount: 1 })).toBe("");
  });

  test("may be paused, moved and resumed, and start from another one's checkpoint", () => {
    const by = (type: string, generation: number): RecordedEvent => ({
      ...event(type, generation),
      actorType: "user",
      actorId: "key_1",
    });
    const events = [
      ...[event("created", 0, { retry_of: "wl_0", from_checkpoint: 4 }), by("moved", 0), scheduled, by("moved", 2)],
      ...[event("scheduled", 3, { worker_id: "wkr_a" }), event("started", 3), by("paused", 4), by("moved", 4)],
      ...[by("resumed", 4), event("scheduled", 5, { worker_id: "wkr_a" }), event("started", 5), event("completed", 5)],
    ];
    const checkpoints = [{ sequence: 4, generation: 0, isWhole: true }];
    expect(because({ events, checkpoints, generation: 5, checkpointSequence: 4 })).toBe("");
  });
});

describe("the checker sees", () => {
  test.each<[string, Partial<History>, string]>([
    ["a start that nobody recorded", { events: without(started) }, "while SCHEDULED"],
    ["an assignment that nobody recorded", { events: without(scheduled) }, "while PENDING"],
    ["an end that nobody recorded", { events: without(completed) }, "status is COMPLETED in its row, and RUNNING"],
    ["an end without its result", { hasResult: false }, "having a result is false"],
    ["a second end", { events: [...straight, completed] }, "while COMPLETED"],
    ["a rescue after a cancel", { events: [created, scheduled, event("cancelled", 2), scheduled] }, "while CANCELLED"],
    ["a second creation", { events: [created, ...straight] }, "created twice"],
    ["an assignment without a new generation", { events: [created, { ...scheduled, generation: 0 }] }, "up by 0"],
    [
      "a generation that falls",
      { events: [...without(completed), { ...completed, generation: 0 }] },
      "takes the generation 1 up by -1",
    ],
    ["a row behind its trail", { generation: 0 }, "generation is 0 in its row, and 1"],
    [
      "a completion by a worker that was not asked",
      { events: [...without(completed), { ...completed, actorId: "wkr_z" }] },
      "comes from wkr_z",
    ],
    ["a worker that stays with what is over", { workerId: "wkr_a" }, "having a worker is true"],
    [
      "a retry that was not counted",
      { events: [created, scheduled, started, event("retry_scheduled", 1)] },
      "retry count",
    ],
    ["more retries than are allowed", { retryCount: 4 }, "keeping the bound of retries"],
    ["a death that was not recorded", { deathCount: 1 }, "death count is 1 in its row, and 0"],
    [
      "checkpoints that do not rise",
      { events: [created, scheduled, started, saved, saved, completed] },
      "checkpoint 1 comes after 1",
    ],
    ["a torn checkpoint", { checkpoints: [{ sequence: 1, generation: 1, isWhole: false }] }, "is torn"],
    ["a pointer to a checkpoint that is not there", { checkpoints: [] }, "its newest checkpoint is 0, its row says 1"],
    ["an event that is not in the table", { events: [...straight, event("lost", 1)] }, "no event of the lifecycle"],
    ["a move of what runs", { events: [created, scheduled, started, event("moved", 1)] }, "no event of the lifecycle"],
    ["a move that fences what waits", { events: [created, event("moved", 1)] }, "up by 1"],
    [
      "an assignment that was moved and not fenced",
      { events: [created, scheduled, event("moved", 1)] },
      "workload.moved takes the generation 1 up by 0",
    ],
    ["a resumption of what is not paused", { events: [created, event("resumed", 0)] }, "while PENDING"],
    [
      "an assignment of what is paused",
      { events: [created, event("paused", 1), event("scheduled", 2, { worker_id: "wkr_a" })] },
      "while PAUSED",
    ],
    ["a pause that fences nobody off", { events: [created, scheduled, started, event("paused", 1)] }, "up by 0"],
  ])("%s", (_, chosen, sentence) => {
    expect(because(chosen)).toContain(sentence);
  });

  test("what was accepted and is gone", () => {
    expect(restViolations([good], ["wl_1", "wl_2"])).toEqual(["wl_2: was accepted and is not there"]);
  });

  test("what never came to its end", () => {
    const waiting = { ...good, status: "PENDING" as const, events: [created], generation: 0, checkpoints: [] };
    const history = { ...waiting, hasResult: false, hasCompletedAt: false, checkpointSequence: 0 };
    expect(restViolations([history], [])).toEqual(["wl_1: is still PENDING"]);
  });
});
