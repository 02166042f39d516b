/** Every route of the API. A fixed path stands before the pattern that would match it too. */
import type { ApiDependencies } from "./context.ts";
import type { Route } from "./route.ts";
import { wakePool } from "./routes/agents.ts";
import { getHealth, getIndex, getMetrics, getReady } from "./routes/operations.ts";
import { getAudit, getLogs } from "./routes/records.ts";
import { submitBatch, submitWorkload } from "./routes/submit.ts";
import { cancelWorkload, getWorkload, listWorkloads } from "./routes/workloads.ts";

export const routesOf = (deps: ApiDependencies): readonly Route[] => [
  submitWorkload(deps),
  submitBatch(deps),
  listWorkloads(deps),
  getWorkload(deps),
  cancelWorkload(deps),
  getLogs(deps),
  getAudit(deps),
  wakePool(deps),
  getIndex(deps),
  getHealth(deps),
  getReady(deps),
  getMetrics(deps),
];
