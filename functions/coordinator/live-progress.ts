/** Progress between the audited steps: it stands in no event, so it is kept in mind until it is told. */
import type { WorkloadId } from "../../schema/ids.ts";
import { detailOf } from "../domain/detail.ts";
import type { Change, Workload } from "../domain/workload.ts";

export interface ProgressMade {
  readonly workload: Workload;
  readonly at: number;
}

export class LiveProgress {
  /** Running workloads as they were committed last. */
  readonly #known = new Map<WorkloadId, Workload>();
  #untold = new Map<WorkloadId, ProgressMade>();

  get hasNews(): boolean {
    return this.#untold.size > 0;
  }

  /** A committed change, `at` the time of its decision. */
  notice(change: Change, at: number): void {
    const { next } = change;
    const known = this.#known.get(next.workloadId);
    if (next.status === "RUNNING") this.#known.set(next.workloadId, next);
    else this.#known.delete(next.workloadId);
    if (next.status !== "RUNNING" || isAudited(change)) this.#untold.delete(next.workloadId);
    else if (isNews(known, change)) this.#untold.set(next.workloadId, { workload: next, at });
  }

  /** What is untold so far; the caller tells it now or never. */
  take(): ReadonlyMap<WorkloadId, ProgressMade> {
    const untold = this.#untold;
    this.#untold = new Map();
    return untold;
  }

  forgetAll(): void {
    this.#known.clear();
    this.#untold.clear();
  }
}

/** A change without an audit event that is met first can be nothing but progress. */
const isNews = (known: Workload | undefined, { next, audit }: Change): boolean =>
  known === undefined
    ? audit.length === 0
    : known.progressPercent !== next.progressPercent || known.progressMessage !== next.progressMessage;

/** Its last event of progress says all of it. */
function isAudited({ next, audit }: Change): boolean {
  const last = audit.findLast(({ eventType }) => eventType === "workload.progress_updated");
  if (last === undefined) return false;
  const percent = detailOf(last.details, "percent");
  return typeof percent === "number" && Math.round(percent * 100) / 100 === next.progressPercent;
}
