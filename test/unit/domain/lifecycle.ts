/** Everything that can happen to a workload, by name, and the arrows of the specification that it may follow. */
import type { Loss } from "../../../functions/domain/demand.ts";
import {
  cancel,
  coordinatorActor,
  type Decision,
  lose,
  type Moment,
  place,
  report,
  timeOut,
} from "../../../functions/domain/transition.ts";
import type { Workload } from "../../../functions/domain/workload.ts";
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

export const happenings = {
  placed: (workload, { workerId, moment }) => place(workload, workerId, moment),
  cancelled: (workload, { moment }) => cancel(workload, coordinatorActor, null, moment),
  "timed out": (workload, { moment }) => timeOut(workload, moment),
  "worker lost": lost("worker_lost"),
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

/** SPEC §2; what is told of a SCHEDULED workload tells its start as well. Retries and lives are left. */
export const arrows: Readonly<Record<HappeningName, Arrows>> = {
  placed: { PENDING: "SCHEDULED", REDISTRIBUTING: "SCHEDULED" },
  cancelled: {
    ...fromHeld("CANCELLED"),
    PENDING: "CANCELLED",
    PAUSED: "CANCELLED",
    REDISTRIBUTING: "CANCELLED",
  },
  "timed out": { RUNNING: "PENDING" },
  "worker lost": fromHeld("REDISTRIBUTING"),
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
  paused: fromHeld("PAUSED"),
};

/** What ends FAILED instead when no retry, or no life, is left. */
export const lastChances: readonly HappeningName[] = ["timed out", "failed for now", "worker lost"];

/** After these the attempt is fenced off, or a new one has begun. */
export const raising: ReadonlySet<HappeningName> = new Set([
  "placed",
  "cancelled",
  "timed out",
  "assignment refused",
  "assignment unanswered",
  "handed back",
  "released",
  "paused",
]);
