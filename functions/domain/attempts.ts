/** The attempts at a workload, read off its audit events: each begins with an assignment and ends with the next event that ends it. */
import type { AttemptOutcome, AttemptView } from "../../schema/http/attempt.ts";
import { workerIdSchema } from "../../schema/ids.ts";
import type { Json } from "../../schema/json.ts";
import type { WorkloadEventType } from "../../schema/status.ts";
import { detailOf } from "./detail.ts";

/** As the audit trail has it; of one workload, in order. */
export interface TrailEvent {
  readonly event_type: string;
  readonly timestamp: string;
  readonly generation: number;
  readonly details: Json;
}

/** An attempt is told by its assignment, its start, its end, and the move that ended it: what comes after is of none. */
export const attemptEventsMax = 4;
/** The newest of these before its assignment says where an attempt begins. */
export const beginningTypes: readonly WorkloadEventType[] = ["workload.created", "workload.checkpoint_created"];
/** Most of a long trail: by these no attempt begins, starts or ends. */
export const passingTypes: readonly WorkloadEventType[] = ["workload.progress_updated", "workload.checkpoint_created"];

/** What was found so far. */
interface Found {
  readonly attempts: readonly AttemptView[];
  /** The newest checkpoint: where the next attempt begins. */
  readonly checkpoint: number | null;
}

/**
 * An event ends the attempt that is open, whatever generation it carries: what fences a worker off carries the next one.
 */
export const attemptsOf = (trail: readonly TrailEvent[]): readonly AttemptView[] =>
  trail.reduce<Found>(after, { attempts: [], checkpoint: null }).attempts;

/**
 * Whether what was asked of a running attempt was done when its worker let it go; not: the workload ended with it. An older
 * pause or move carries an older generation.
 */
export const wasLetGo = (
  trail: readonly Pick<TrailEvent, "event_type" | "generation">[],
  generation: number,
): boolean =>
  trail.some((event) => lettingGo.some((type) => event.event_type === type) && event.generation >= generation);

/** The newest of each is enough to tell. */
export const lettingGo = ["workload.paused", "workload.moved"] as const satisfies readonly WorkloadEventType[];

function after(found: Found, event: TrailEvent): Found {
  switch (event.event_type) {
    case "workload.created":
      return { ...found, checkpoint: numberIn(event, "from_checkpoint") };
    case "workload.checkpoint_created":
      return { ...found, checkpoint: numberIn(event, "sequence") };
    case "workload.scheduled":
      return { ...found, attempts: [...found.attempts, begun(event, found.checkpoint)] };
    case "workload.started":
      return changed(found, { started_at: event.timestamp, outcome: "running" });
    case "workload.moved":
      return moved(found, event);
    default:
      return ended(found, event);
  }
}

const begun = (event: TrailEvent, checkpoint: number | null): AttemptView => ({
  generation: event.generation,
  worker_id: workerIdSchema.parse(detailOf(event.details, "worker_id")),
  scheduled_at: event.timestamp,
  started_at: null,
  ended_at: null,
  outcome: "scheduled",
  error: null,
  from_checkpoint: checkpoint,
});

function changed(found: Found, news: Partial<AttemptView>): Found {
  const open = found.attempts.at(-1);
  if (open === undefined || open.ended_at !== null) return found;
  return { ...found, attempts: [...found.attempts.slice(0, -1), { ...open, ...news }] };
}

function ended(found: Found, event: TrailEvent): Found {
  const outcome = outcomeOf(event);
  if (outcome === null) return found;
  return changed(found, { outcome, ended_at: event.timestamp, error: errorIn(event) });
}

/** What runs is paused and moved in one step: then the move is why it ended. */
function moved(found: Found, { timestamp }: TrailEvent): Found {
  const last = found.attempts.at(-1);
  const isEnding = last?.ended_at === null || (last?.outcome === "paused" && last.ended_at === timestamp);
  if (last === undefined || !isEnding) return found;
  const ending: AttemptView = { ...last, outcome: "moved", ended_at: timestamp };
  return { ...found, attempts: [...found.attempts.slice(0, -1), ending] };
}

/** Null: an attempt that is open stays so. */
function outcomeOf(event: TrailEvent): AttemptOutcome | null {
  const end = ends[event.event_type];
  return end === undefined ? null : end(event);
}

const reasonIn = ({ details }: TrailEvent): Json => detailOf(details, "reason");
const isTimeout = ({ details }: TrailEvent): boolean => detailOf(details, "kind") === "timeout";

const ends: Readonly<Record<string, (event: TrailEvent) => AttemptOutcome>> = {
  "workload.completed": () => "completed",
  "workload.failed": (event) => {
    if (isTimeout(event)) return "timed_out";
    return reasonIn(event) === "worker lost" ? "lost" : "failed";
  },
  "workload.retry_scheduled": (event) => (isTimeout(event) ? "timed_out" : "retried"),
  "workload.redistributed": (event) => {
    if (reasonIn(event) === "assignment refused") return "refused";
    return reasonIn(event) === "assignment unanswered" ? "unanswered" : "lost";
  },
  "workload.handed_back": () => "handed_back",
  "workload.paused": () => "paused",
  "workload.cancelled": () => "cancelled",
};

function errorIn({ details }: TrailEvent): AttemptView["error"] {
  const error = detailOf(details, "error");
  const [type, message] = [detailOf(error, "type"), detailOf(error, "message")];
  return typeof type === "string" && typeof message === "string" ? { type, message } : null;
}

function numberIn({ details }: TrailEvent, name: string): number | null {
  const value = detailOf(details, name);
  return typeof value === "number" ? value : null;
}
