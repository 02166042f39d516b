/** What must hold of every recorded history (docs: I3, I4, I9, I10, I14, I16, I18, I26), checked by one scan of it. */
import { checkpointsKeptMax, workerDeathsMaxDefault } from "../../schema/limits.ts";
import { heldStatuses, queuedStatuses, type WorkloadStatus, workloadStatuses } from "../../schema/status.ts";
import type { History, RecordedEvent } from "./history.ts";

const alive = workloadStatuses.filter((status) => !["COMPLETED", "FAILED", "CANCELLED"].includes(status));

interface Arrow {
  readonly from: readonly WorkloadStatus[];
  readonly to: WorkloadStatus;
  /** By how much the generation may rise. */
  readonly rise: readonly number[];
}

/** The table of the lifecycle, written down a second time on purpose. */
const arrows: Readonly<Record<string, Arrow>> = {
  "workload.scheduled": { from: queuedStatuses, to: "SCHEDULED", rise: [1] },
  "workload.started": { from: ["SCHEDULED"], to: "RUNNING", rise: [0] },
  "workload.progress_updated": { from: ["RUNNING"], to: "RUNNING", rise: [0] },
  "workload.checkpoint_created": { from: ["RUNNING"], to: "RUNNING", rise: [0] },
  "workload.completed": { from: ["RUNNING"], to: "COMPLETED", rise: [0] },
  "workload.failed": { from: ["RUNNING"], to: "FAILED", rise: [0, 1] },
  "workload.retry_scheduled": { from: ["RUNNING"], to: "PENDING", rise: [0, 1] },
  "workload.handed_back": { from: heldStatuses, to: "REDISTRIBUTING", rise: [1] },
  "workload.paused": { from: alive.filter((status) => status !== "PAUSED"), to: "PAUSED", rise: [1] },
  "workload.resumed": { from: ["PAUSED"], to: "PENDING", rise: [0] },
  "workload.cancelled": { from: alive, to: "CANCELLED", rise: [1] },
};
const lost: Arrow = { from: heldStatuses, to: "REDISTRIBUTING", rise: [0] };
const givenUp: Arrow = { from: heldStatuses, to: "REDISTRIBUTING", rise: [1] };
const unassigned: Arrow = { from: ["SCHEDULED"], to: "PENDING", rise: [1] };
/** The death over the bound may come before the start was told. */
const diedOut: Arrow = { from: heldStatuses, to: "FAILED", rise: [1] };

/** A move leaves it where it is in its life, but for an assignment that has not begun, which is taken back. */
const moves: Readonly<Partial<Record<WorkloadStatus, Arrow>>> = {
  PENDING: { from: ["PENDING"], to: "PENDING", rise: [0] },
  REDISTRIBUTING: { from: ["REDISTRIBUTING"], to: "REDISTRIBUTING", rise: [0] },
  SCHEDULED: { from: ["SCHEDULED"], to: "PENDING", rise: [1] },
  PAUSED: { from: ["PAUSED"], to: "PAUSED", rise: [0] },
};

function arrowOf({ type, details }: RecordedEvent, status: WorkloadStatus | null): Arrow | undefined {
  if (type === "workload.moved") return status === null ? undefined : moves[status];
  if (type === "workload.failed" && "death_count" in details) return diedOut;
  if (type !== "workload.redistributed") return arrows[type];
  if ("death_count" in details) return lost;
  return String(details.reason).startsWith("assignment") ? unassigned : givenUp;
}

/** One sentence for each promise that was broken; empty: all held. */
export function violations(history: History): string[] {
  const scan = new Scan();
  for (const [index, event] of history.events.entries()) scan.take(event, index);
  return [...scan.problems, ...endProblems(history, scan), ...checkpointProblems(history)].map(
    (problem) => `${history.id}: ${problem}`,
  );
}

/** For a customer at rest: nothing that was accepted is missing, or still on its way. */
export function restViolations(histories: readonly History[], accepted: readonly string[]): string[] {
  const known = new Map(histories.map((history) => [history.id, history]));
  return [
    ...histories.flatMap(violations),
    ...accepted.filter((id) => !known.has(id)).map((id) => `${id}: was accepted and is not there`),
    ...histories.filter(({ status }) => alive.includes(status)).map(({ id, status }) => `${id}: is still ${status}`),
  ];
}

class Scan {
  readonly problems: string[] = [];
  status: WorkloadStatus | null = null;
  generation = 0;
  retries = 0;
  deaths = 0;
  sequence = 0;
  #worker: unknown = null;

  take(event: RecordedEvent, index: number): void {
    if (event.type === "workload.created") this.#create(event, index);
    else this.#move(event);
    if (event.type === "workload.scheduled") this.#worker = event.details.worker_id;
    if (event.actorType === "worker" && event.actorId !== this.#worker) {
      this.#report(`${event.type} comes from ${event.actorId}, the workload was given to ${this.#worker}`);
    }
    this.#count(event);
  }

  #create({ generation, details }: RecordedEvent, index: number): void {
    if (index !== 0) this.#report("is created twice");
    this.status = "PENDING";
    this.generation = 0;
    this.sequence = Number(details.from_checkpoint ?? 0);
    if (generation > 1) this.#report(`is created with generation ${generation}`);
  }

  #move(event: RecordedEvent): void {
    const arrow = arrowOf(event, this.status);
    if (arrow === undefined) {
      this.#report(`${event.type} is no event of the lifecycle`);
      return;
    }
    if (this.status === null || !arrow.from.includes(this.status)) {
      this.#report(`${event.type} (${JSON.stringify(event.details)}) while ${this.status}`);
    }
    const rise = event.generation - this.generation;
    if (!arrow.rise.includes(rise)) this.#report(`${event.type} takes the generation ${this.generation} up by ${rise}`);
    this.status = arrow.to;
    this.generation = event.generation;
  }

  #count({ type, details }: RecordedEvent): void {
    if (type === "workload.retry_scheduled") this.retries += 1;
    if ("death_count" in details) this.deaths += 1;
    if (type !== "workload.checkpoint_created") return;
    const sequence = Number(details.sequence);
    if (sequence <= this.sequence) this.#report(`checkpoint ${sequence} comes after ${this.sequence}`);
    this.sequence = sequence;
  }

  #report(problem: string): void {
    this.problems.push(problem);
  }
}

/** The row is what the trail adds up to: no change without its event, no event without its change. */
function endProblems(history: History, scan: Scan): string[] {
  const isHeld = history.status === "SCHEDULED" || history.status === "RUNNING";
  const isOver = !alive.includes(history.status);
  const facts: readonly (readonly [string, unknown, unknown])[] = [
    ["status", history.status, scan.status],
    ["generation", history.generation, scan.generation],
    ["retry count", history.retryCount, scan.retries],
    ["death count", history.deathCount, scan.deaths],
    ["checkpoint sequence", history.checkpointSequence, scan.sequence],
    ["having a worker", history.workerId !== null, isHeld],
    ["having an end", history.hasCompletedAt, isOver],
    ["having a result", history.hasResult, history.status === "COMPLETED"],
    ["keeping the bound of retries", history.retryCount <= history.maxRetries, true],
    ["keeping the bound of deaths", history.deathCount <= workerDeathsMaxDefault, true],
  ];
  return facts
    .filter(([, found, expected]) => found !== expected)
    .map(([what, found, expected]) => `${what} is ${found} in its row, and ${expected} by its audit trail`);
}

function checkpointProblems({ checkpoints, checkpointSequence }: History): string[] {
  const problems = checkpoints
    .filter(({ isWhole }) => !isWhole)
    .map(({ sequence }) => `checkpoint ${sequence} is torn`);
  checkpoints.forEach(({ sequence, generation }, index) => {
    const before = checkpoints[index - 1];
    if (before !== undefined && generation < before.generation)
      problems.push(`checkpoint ${sequence} is of an older one`);
  });
  const newest = checkpoints.at(-1)?.sequence ?? 0;
  if (newest !== checkpointSequence)
    problems.push(`its newest checkpoint is ${newest}, its row says ${checkpointSequence}`);
  if (checkpoints.length > checkpointsKeptMax) problems.push(`${checkpoints.length} checkpoints are kept`);
  return problems;
}
