/** The environment of a process workload: the operator's own, and what the customer sent, as NIYANTA_* only. */
import type { Job } from "./running.ts";

const namePattern = /^[A-Z0-9_]+$/;

export function processEnv(base: NodeJS.ProcessEnv, job: Job, checkpointFile: string): NodeJS.ProcessEnv {
  return {
    ...base,
    ...inputFields(job.input),
    NIYANTA_INPUT: JSON.stringify(job.input),
    NIYANTA_CHECKPOINT_FILE: checkpointFile,
    NIYANTA_WORKLOAD_ID: job.workloadId,
    NIYANTA_ATTEMPT: String(job.generation),
    NIYANTA_FENCING_TOKEN: String(job.generation),
  };
}

/** Text fields of an object input, so that a command need not parse JSON: `script` is NIYANTA_INPUT_SCRIPT. */
function inputFields(input: unknown): NodeJS.ProcessEnv {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return {};
  const fields: NodeJS.ProcessEnv = {};
  for (const [key, value] of Object.entries(input)) {
    const name = key.toUpperCase();
    if (typeof value === "string" && namePattern.test(name)) fields[`NIYANTA_INPUT_${name}`] = value;
  }
  return fields;
}
