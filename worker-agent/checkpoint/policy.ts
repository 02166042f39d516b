/** When a checkpoint is due by the type's policy. */

export interface CheckpointPolicy {
  /** 0: not by time. */
  readonly intervalMs: number;
  /** 0: not by progress. */
  readonly progressPercent: number;
}

export interface CheckpointMark {
  /** Monotonic milliseconds, and percent, at the last checkpoint or at the start. */
  readonly at: number;
  readonly percent: number;
}

export const dueByTime = (policy: CheckpointPolicy, mark: CheckpointMark, now: number): boolean =>
  policy.intervalMs > 0 && now - mark.at >= policy.intervalMs;

export const dueByProgress = (policy: CheckpointPolicy, mark: CheckpointMark, percent: number): boolean =>
  policy.progressPercent > 0 && percent - mark.percent >= policy.progressPercent;
