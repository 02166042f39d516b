/** Runs a workload on the agent's own thread: for work of microseconds, by the author's choice. */
import type { WorkloadDefinition } from "../sdk.ts";
import type { Host, Job, Runner, Running } from "./running.ts";
import { WorkloadRun } from "./workload-run.ts";

export class InlineRunner implements Runner {
  readonly graceMs: number;
  readonly #definition: WorkloadDefinition;

  constructor(definition: WorkloadDefinition, graceMs: number) {
    this.#definition = definition;
    this.graceMs = graceMs;
  }

  start(job: Job, host: Host): Running {
    return new WorkloadRun(this.#definition, job, host);
  }
}
