/** What an attempt needs of the agent around it. */
import type { WorkerId } from "../../schema/ids.ts";
import type { Coordinator } from "../intake/coordinator.ts";
import type { ReportParts } from "../report/attempt-report.ts";
import type { Attempt } from "./attempt.ts";

export interface AttemptParts extends ReportParts {
  readonly workerId: WorkerId;
  readonly coordinator: Coordinator;
  /** Fires when the agent ends without waiting. */
  readonly life: AbortSignal;
  /** The code of this attempt runs no more: its slot is free. */
  ended(attempt: Attempt): void;
  /** Everything that it said is confirmed: nothing is left to answer for. */
  forgotten(attempt: Attempt): void;
}
