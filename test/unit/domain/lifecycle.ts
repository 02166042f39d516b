/** Everything that can happen to a workload, by name, and the arrows of the specification that it may follow. */
import type { Loss } from "../../../functions/domain/demand.ts";
import { cancel, move, pause, resume } from "../../../functions/domain/operation.ts";
import type { Decision, Moment } from "../../../functions/domain/step.ts";
import { coordinatorActor, lose, place, report, timeOut } from "../../../functions/domain/transition.ts";
import type { Actor, Workload } from "../../../functions/domain/workload.ts";
import type { WorkerId } from "../../../schema/ids.ts";
import type { WorkerEvent } from "../../../schema/messages/worker-events.ts";
import type { WorkloadStatus } from "../../../schema/status.ts";

/** Who speaks, of which generation, and when. */
export interface Speaker {
  readonly workerId: WorkerId;
  readonly generation: number;
  readonly moment: Moment;
}

export type Happening = (workload: Workload, speaker: Speaker) => Decision;

type Told<Event> = Event extends WorkerEvent ? Omit<Event, "event_id" | "workload_id" | "generation"> : never;

const told =
  (event: Told<WorkerEvent>): Happening =>
  (workload, { workerId, generation, moment }) =>
    report(
      workload,
      { workerId, event: { ...event, event_id: 1, workload_id: workload.workloadId, generation } },
      moment,
    );

const lost =
  (why: Loss["why"]): Happening =>
  (workload, { workerId, generation, moment }) =>
    lose(workload, { workloadId: workload.workloadId, generation, workerId, why }, moment);

const error = (kind: "transient" | "permanent") => ({ kind, type: "Broken", message: "it broke" });
const checkpoint = { sequence: 1, bytes: 0, sha256: "0".repeat(64), chunks: 1 };

export const owner: Actor = { type: "user", id: "key_1" };
/** Where a move leads: no test has its workloads there before. */
export const elsewhere = "elsewhere";

export const happenings = {
  placed: (workload, { workerId, moment }) => place(workload, workerId, moment),
  cancelled: (workload, { moment }) => cancel(workload, coordinatorActor, null, moment),
  "asked to pause": (workload, { moment }) => pause(workload, owner, "for now", moment),
  "asked to resume": (workload, { moment }) => resume(workload, owner, moment),
  "asked to move": (workload, { moment }) => move(workload, owner, { pool: elsewhere }, moment),
  "timed out": (workload, { moment }) => timeOut(workload, moment),
  "worker lost": lost("worker_lost"),
  "worker removed": lost("worker_removed"),
  "assignment refused": lost("refused"),
  "assignment unanswered": lost("unanswered"),
  started: told({ kind: "started" }),
  progress: told({ kind: "progress", percent: 50, message: null }),
  checkpoint: told({ kind: "checkpoint", checkpoint }),
  logs: told({
    kind: "logs",
    lines: [{ line: 1, timestamp: "2030-01-01T00:00:00Z", level: "info", message: "a line" }],
  }),
  completed: told({ kind: "completed", result: { answer: 42 } }),
  "failed for now": told({ kind: "failed", error: error("transient") }),
  "failed for good": told({ kind: "failed", error: error("permanent") }),
  "handed back": told({ kind: "handed_back" }),
  released: told({ kind: "released" }),
  paused: told({ kind: "paused" }),
} as const satisfies Record<string, Happening>;

export type HappeningName = keyof typeof happenings;

type Arrows = Partial<Record<WorkloadStatus, WorkloadStatus>>;
const fromHeld = (to: WorkloadStatus): Arrows => ({ SCHEDULED: to, RUNNING: to });

/** These are no worker's word: whoever speaks, and of whatever generation. */
export const askedFor: readonly HappeningName[] = [
  "placed",
  "cancelled",
  "timed out",
  "asked to pause",
  "asked to resume",
  "asked to move",
];

/**
 * SPEC §2; what is told of a SCHEDULED workload tells its start as well. Retries and lives are left, and nothing was asked
 * while it ran: then a pause is work that is handed back.
 */
export const arrows: Readonly<Record<HappeningName, Arrows>> = {
  placed: { PENDING: "SCHEDULED", REDISTRIBUTING: "SCHEDULED" },
  cancelled: {
    ...fromHeld("CANCELLED"),
    PENDING: "CANCELLED",
    PAUSED: "CANCELLED",
    REDISTRIBUTING: "CANCELLED",
  },
  "asked to pause": { PENDING: "PAUSED", SCHEDULED: "PAUSED", RUNNING: "RUNNING", REDISTRIBUTING: "PAUSED" },
  "asked to resume": { PAUSED: "PENDING" },
  "asked to move": {
    PENDING: "PENDING",
    SCHEDULED: "PENDING",
    RUNNING: "RUNNING",
    REDISTRIBUTING: "REDISTRIBUTING",
    PAUSED: "PENDING",
  },
  "timed out": { RUNNING: "PENDING" },
  "worker lost": fromHeld("REDISTRIBUTING"),
  "worker removed": fromHeld("REDISTRIBUTING"),
  "assignment refused": { SCHEDULED: "PENDING" },
  "assignment unanswered": { SCHEDULED: "PENDING" },
  started: { SCHEDULED: "RUNNING" },
  progress: fromHeld("RUNNING"),
  checkpoint: fromHeld("RUNNING"),
  logs: {},
  completed: fromHeld("COMPLETED"),
  "failed for now": fromHeld("PENDING"),
  "failed for good": fromHeld("FAILED"),
  "handed back": fromHeld("REDISTRIBUTING"),
  released: fromHeld("REDISTRIBUTING"),
  paused: fromHeld("REDISTRIBUTING"),
};

/** What ends FAILED instead when no retry, or no life, is left. */
export const lastChances: readonly HappeningName[] = ["timed out", "failed for now", "worker lost"];

/** By how much a step raises the generation: an attempt is fenced off, or begins; a pause that was asked for is one more. */
export function riseOf(name: HappeningName, before: Workload, next: Workload): number {
  const isPausedToo = before.intent?.kind === "pause" && next.status === "PAUSED" && name !== "paused";
  return Number(isRaising(name, before, next)) + Number(isPausedToo);
}

function isRaising(name: HappeningName, before: Workload, next: Workload): boolean {
  if (name === "asked to pause") return next.status === "PAUSED";
  if (name === "asked to move") return before.status === "SCHEDULED";
  if (name === "worker lost") return next.status === "FAILED";
  return raising.has(name);
}

const raising: ReadonlySet<HappeningName> = new Set([
  "placed",
  "cancelled",
  "timed out",
  "worker removed",
  "assignment refused",
  "assignment unanswered",
  "handed back",
  "released",
  "paused",
]);
