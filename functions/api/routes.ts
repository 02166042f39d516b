/** Every route of the API. A fixed path stands before the pattern that would match it too. */
import type { ApiDependencies } from "./context.ts";
import type { Route } from "./route.ts";
import {
  createCustomer,
  createCustomerKey,
  getOneCustomer,
  listCustomerKeys,
  listCustomers,
  revokeCustomerKey,
  updateCustomer,
} from "./routes/admin-customers.ts";
import { drainWorker, getWorker, getWorkers, removeWorker } from "./routes/admin-workers.ts";
import { enrolWorker, wakePool } from "./routes/agents.ts";
import { getAttempts } from "./routes/attempts.ts";
import { getCheckpoints } from "./routes/checkpoints.ts";
import { createConfig, deleteConfig, getConfig, listConfigs, replaceConfig } from "./routes/configs.ts";
import { getCustomer, getStatistics } from "./routes/customer.ts";
import { getDocs, getDocsScript, getDocsStyle, getOpenApi } from "./routes/docs.ts";
import { explainWorkload } from "./routes/explain.ts";
import { createKey, getKey, listKeys, revokeKey, rotateApiKey } from "./routes/keys.ts";
import { cancelWorkload, moveWorkload, pauseWorkload, resumeWorkload, retryWorkload } from "./routes/lifecycle.ts";
import { batchCancel, batchPause, batchResume, batchRetry } from "./routes/lifecycle-batch.ts";
import { getWorkloadEvents, watchWorkload, watchWorkloads } from "./routes/live.ts";
import { getHealth, getIndex, getMetrics, getReady } from "./routes/operations.ts";
import { getAudit, getLogs } from "./routes/records.ts";
import { submitBatch, submitWorkload } from "./routes/submit.ts";
import { getWorkload, listWorkloads } from "./routes/workloads.ts";

export function routesOf(deps: ApiDependencies): readonly Route[] {
  const routes: readonly Route[] = [
    submitWorkload(deps),
    submitBatch(deps),
    batchCancel(deps),
    batchPause(deps),
    batchResume(deps),
    batchRetry(deps),
    listWorkloads(deps),
    getWorkload(deps),
    cancelWorkload(deps),
    pauseWorkload(deps),
    resumeWorkload(deps),
    moveWorkload(deps),
    retryWorkload(deps),
    getLogs(deps),
    getWorkloadEvents(deps),
    watchWorkloads(deps),
    watchWorkload(deps),
    getAudit(deps),
    explainWorkload(deps),
    getAttempts(deps),
    getCheckpoints(deps),
    getWorkers(deps),
    getWorker(deps),
    drainWorker(deps),
    removeWorker(deps),
    createConfig(deps),
    listConfigs(deps),
    getConfig(deps),
    replaceConfig(deps),
    deleteConfig(deps),
    getCustomer(deps),
    getStatistics(deps),
    createKey(deps),
    listKeys(deps),
    getKey(deps),
    revokeKey(deps),
    rotateApiKey(deps),
    createCustomer(deps),
    listCustomers(deps),
    getOneCustomer(deps),
    updateCustomer(deps),
    createCustomerKey(deps),
    listCustomerKeys(deps),
    revokeCustomerKey(deps),
    enrolWorker(deps),
    wakePool(deps),
    getIndex(deps),
    getHealth(deps),
    getReady(deps),
    getMetrics(deps),
    getOpenApi(deps, () => routes),
    getDocs(),
    getDocsStyle(deps),
    getDocsScript(deps),
  ];
  return routes;
}
