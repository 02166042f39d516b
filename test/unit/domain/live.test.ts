/** What streams tell of events and lines, and in which order. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LiveEvent, type LiveLine, newsOf, type StatusEvent } from "../../../functions/domain/live.ts";
import { inOrder, isBehind, placeAfter } from "../../../functions/domain/live-order.ts";
import { liveMessageSchema } from "../../../schema/http/live.ts";
import type { WorkloadEventType } from "../../../schema/status.ts";
import { workloadEventTypes } from "../../../schema/status.ts";
import { ids, t0 } from "../../support/records.ts";

const workloadId = ids.workload();
const workerId = ids.worker();

const eventOf = (eventType: WorkloadEventType, chosen: Partial<LiveEvent> = {}): LiveEvent => ({
  ...{ eventId: 1, workloadId, eventType, actorId: workerId, generation: 1, details: {}, at: t0 },
  ...{ before: null, progress: null },
  ...chosen,
});
const after = (eventType: WorkloadEventType, chosen: Partial<StatusEvent> = {}): Partial<LiveEvent> => ({
  before: { eventType, reason: null, moved: false, ...chosen },
});
const lineOf = (generation: number, line: number): LiveLine => ({
  ...{ generation, line, at: t0, level: "info", message: "", details: null },
});

describe("news", () => {
  it.each(workloadEventTypes)("of %s is a message as the schema has it", (eventType) => {
    const news = newsOf(eventOf(eventType, after("workload.created")), null);
    expect(liveMessageSchema.safeParse({ ...news, cursor: "c" }).error).toBeUndefined();
  });

  it("of an event that no stream knows is nothing", () => {
    expect(newsOf({ ...eventOf("workload.created"), eventType: "workload.unheard_of" })).toBeNull();
  });

  it.each([
    ["workload.scheduled", after("workload.created"), { status: "SCHEDULED", previous: "PENDING" }],
    ["workload.moved", after("workload.scheduled"), { status: "PENDING", previous: "SCHEDULED" }],
    ["workload.moved", after("workload.paused"), { status: "PAUSED" }],
    ["workload.scheduled", after("workload.scheduled", { moved: true }), { status: "SCHEDULED", previous: "PENDING" }],
    ["workload.scheduled", after("workload.redistributed", { reason: "worker lost" }), { previous: "REDISTRIBUTING" }],
    [
      "workload.scheduled",
      after("workload.redistributed", { reason: "assignment refused" }),
      { previous: "PENDING", status: "SCHEDULED" },
    ],
  ] as const)("of %s says from where to where", (eventType, chosen, said) => {
    expect(newsOf(eventOf(eventType, chosen))).toMatchObject(said);
  });

  it("of an assignment that was not answered says that it waits again", () => {
    const details = { reason: "assignment unanswered" };
    const news = newsOf(eventOf("workload.redistributed", { details, ...after("workload.scheduled") }));
    expect(news).toMatchObject({ status: "PENDING", previous: "SCHEDULED", worker_id: null });
  });

  it("of progress says how far, and no change of status", () => {
    const news = newsOf(eventOf("workload.progress_updated", { details: { percent: 20, message: "x" } }));
    expect(news).toMatchObject({ status: "RUNNING", progress_percent: 20, progress_message: "x", worker_id: workerId });
    expect(news).not.toHaveProperty("previous");
  });

  it("of a completed workload has the result only where it is told", () => {
    expect(newsOf(eventOf("workload.completed"), { a: 1 })).toMatchObject({ type: "completed", result_data: { a: 1 } });
    expect(newsOf(eventOf("workload.completed"))).not.toHaveProperty("result_data");
  });

  it("of a failed workload has its error", () => {
    const error = { type: "E", message: "no" };
    expect(newsOf(eventOf("workload.failed", { details: { error } }))).toMatchObject({ type: "failed", error });
  });
});

/** A history: per attempt its events, and lines that were written while it ran. */
const historyArbitrary = fc.array(fc.record({ events: fc.nat(4), lines: fc.nat(6) }), { minLength: 1, maxLength: 4 });

function historyOf(attempts: readonly { events: number; lines: number }[]) {
  const events = attempts.flatMap(({ events: count }, index) => {
    const last = index === attempts.length - 1 ? "workload.completed" : "workload.redistributed";
    const steps = Array.from({ length: count }, () => "workload.checkpoint_created" as const);
    const types: WorkloadEventType[] = ["workload.scheduled", "workload.started", ...steps, last];
    return types.map((eventType) => eventOf(eventType, { generation: index + 1 }));
  });
  return {
    events: events.map((event, index) => ({ ...event, eventId: index + 1 })),
    lines: attempts.flatMap(({ lines }, index) =>
      Array.from({ length: lines }, (_, line) => lineOf(index + 1, line + 1)),
    ),
  };
}

/** As a stream reads it: page after page from where it is. */
function readAll({ events, lines }: ReturnType<typeof historyOf>, limit: number) {
  let place = { eventId: 0, generation: 0, line: 0 };
  const told: ReturnType<typeof inOrder> = [];
  for (;;) {
    const page = {
      events: events.filter(({ eventId }) => eventId > place.eventId).slice(0, limit),
      lines: lines.filter(({ generation, line }) => isBehind(place, { eventId: 0, generation, line })).slice(0, limit),
    };
    const items = inOrder(page, limit);
    if (items.length === 0) return told;
    told.push(...items);
    place = items.reduce(placeAfter, place);
  }
}

describe("the order of a stream", () => {
  it("is the same for pages of any size, with nothing lost or repeated", () => {
    fc.assert(
      fc.property(historyArbitrary, fc.integer({ min: 1, max: 5 }), (attempts, limit) => {
        const history = historyOf(attempts);
        const told = readAll(history, limit);
        expect(told.flatMap((item) => ("event" in item ? [item.event] : []))).toEqual(history.events);
        expect(told.flatMap((item) => ("line" in item ? [item.line] : []))).toEqual(history.lines);
      }),
    );
  });

  it("has every line of an attempt before what ends it, and none before it was assigned", () => {
    fc.assert(
      fc.property(historyArbitrary, fc.integer({ min: 1, max: 5 }), (attempts, limit) => {
        let open = 0;
        for (const item of readAll(historyOf(attempts), limit)) {
          if ("line" in item) expect(item.line.generation).toBe(open);
          else if (item.event.eventType === "workload.scheduled") open = item.event.generation;
          else if (/completed|redistributed/.test(item.event.eventType)) open = 0;
        }
      }),
    );
  });
});
