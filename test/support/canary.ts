/** A customer that has one of everything, and a word of its own in every text that it may choose. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NewCustomer } from "../../infra/local/seed-customer.ts";
import type { Stack } from "../../infra/local/stack.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { customerScopes } from "../../schema/scopes.ts";
import { Client } from "./client.ts";
import { newCustomer } from "./stack.ts";

export interface Marked {
  readonly customer: NewCustomer;
  readonly client: Client;
  readonly workloads: readonly WorkloadId[];
  /** The word; lower-case letters only, so that it fits names of every kind. */
  readonly word: string;
}

const checkpointedBytesPerSecond = 2_000;
const fileBytes = 200_000;

/** `folder` for the files that its workloads read. */
export async function markedCustomer(stack: Stack, word: string, folder: string): Promise<Marked> {
  const customer = await newCustomer(stack, { name: `the ${word} company`, scopes: customerScopes });
  const client = new Client(stack.dev.api_url, customer.key);
  const post = (path: string, json: object) => postAs(stack, customer.key, path, json, word);
  await post("/v1/workload-configs", {
    workload_type: `${word}.type`,
    description: word,
    config_json: { [word]: word },
  });
  await post("/v1/api-keys", { name: word, scopes: ["workloads:read"] });
  const file = join(folder, `${word}.txt`);
  writeFileSync(file, `${word} `.repeat(fileBytes / word.length));
  return { customer, client, word, workloads: await runAll(client, post, word, file) };
}

/** One in each state that lasts: completed, failed, paused with a checkpoint, cancelled, retried, and not due. */
async function runAll(
  client: Client,
  post: (path: string, json: object) => Promise<void>,
  word: string,
  file: string,
): Promise<WorkloadId[]> {
  const submit = (workload_type: string, input_params: object, more: object = {}) =>
    client.submit({ workload_type, input_params: { ...input_params }, labels: { [word]: word }, ...more });
  const completed = await submit("shell", { script: `echo ${word}` });
  const failed = await submit("text.wordcount", { path: `/nowhere/${word}` });
  const paused = await submit("text.wordcount", { path: file, bytes_per_second: checkpointedBytesPerSecond });
  const cancelled = await submit("noop", { [word]: word }, { run_at: tomorrow() });
  const waiting = await submit("noop", { [word]: word }, { run_at: tomorrow() });
  await client.untilStatus(paused, "RUNNING");
  await post(`/v1/workloads/${paused}/pause`, { reason: word });
  await post(`/v1/workloads/${cancelled}/cancel`, { reason: word });
  await Promise.all([client.untilStatus(completed, "COMPLETED"), client.untilStatus(failed, "FAILED")]);
  await client.until(
    "the pause",
    () => client.get(paused),
    ({ status }) => status === "PAUSED",
  );
  await client.until(
    "its log line",
    () => client.logs(completed),
    (lines) => lines.length > 0,
  );
  return [completed, failed, paused, cancelled, waiting];
}

const dayMs = 86_400_000;
export const tomorrow = () => new Date(Date.now() + dayMs).toISOString();

async function postAs(stack: Stack, key: string, path: string, json: object, word: string): Promise<void> {
  const headers = {
    authorization: `Bearer ${key}`,
    "content-type": "application/json",
    "Idempotency-Key": `${word}-${path}`,
  };
  const reply = await fetch(`${stack.dev.api_url}${path}`, { method: "POST", headers, body: JSON.stringify(json) });
  if (!reply.ok) throw new Error(`POST ${path} was answered ${reply.status}: ${await reply.text()}`);
}
