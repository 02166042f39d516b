/** The scenes with the workload in them: it is submitted, it runs, its worker is killed, it goes on elsewhere. */
import { once } from "node:events";
import { STATUS_CODES } from "node:http";
import type { WorkloadView } from "../../../schema/http/workload.ts";
import type { WorkloadId } from "../../../schema/ids.ts";
import type { Stack } from "../stack.ts";
import type { Client } from "./client.ts";
import type { Evidence } from "./evidence.ts";
import { follow } from "./follow.ts";
import type { Narrator } from "./narrator.ts";
import { percent, seconds } from "./summary.ts";
import type { WorkerNames } from "./trail.ts";

export interface Scene {
  readonly stack: Stack;
  readonly client: Client;
  readonly narrator: Narrator;
  readonly names: WorkerNames;
  readonly book: { readonly path: string; readonly bytes: number };
  readonly signal: AbortSignal;
}

type Killed = Evidence["killed"] & { readonly generation: number };
type Resumed = Pick<Evidence, "final" | "resumedPercent">;

/** The work itself adds about two seconds to the pauses. */
const pauseSeconds = 18;
/** Past the middle, and between two checkpoints: something is left to do twice. */
const killPercent = 53;

export async function submitWork({ client, narrator, book }: Scene): Promise<WorkloadId> {
  narrator.step("Submit the work: count its words");
  narrator.say("It is slowed down, to take about 20 s. This is the request to the public HTTP API, and its reply:");
  const input_params = { path: book.path, bytes_per_second: Math.ceil(book.bytes / pauseSeconds) };
  const body = { workload_type: "text.wordcount", input_params };
  narrator.quote("POST /v1/workloads", "Authorization: Bearer nyt_…", ...linesOf(body));
  const begun = performance.now();
  const { status, reply } = await client.submit(body);
  const took = Math.round(performance.now() - begun);
  narrator.quote(`${status} ${STATUS_CODES[status]}, after ${took} ms`, ...linesOf(reply));
  return reply.workload_id;
}

const linesOf = (value: unknown): string[] => JSON.stringify(value, null, 2).split("\n");

/** Kills the agent that runs the workload when it is about half done. */
export async function watchAndKill(scene: Scene, id: WorkloadId): Promise<Killed | { fault: string }> {
  const { narrator, names, stack } = scene;
  narrator.step("Watch it run");
  narrator.say("Every 5 % its state is saved as a checkpoint, in Postgres.");
  const view = await watch(scene, id, (seen) => seen.status === "RUNNING" && seen.progress_percent >= killPercent);
  const { worker_id: worker } = view;
  if (worker === null) return { fault: `The workload ended ${view.status} before its agent could be killed.` };
  narrator.step(`Kill ${names.get(worker)} at ${percent(view.progress_percent)}, with SIGKILL`);
  narrator.say(`kill -9 ${pidOf(stack, worker)}: it cannot save anything, nor say goodbye. Nobody starts it again.`);
  const exited = once(stack.events, "agent-exit", { signal: scene.signal });
  const at = Date.now();
  stack.kill(worker, "SIGKILL");
  await exited;
  return { worker, at, percent: view.progress_percent, generation: view.generation };
}

const pidOf = ({ dev }: Stack, worker: string): number | undefined =>
  dev.processes.agents.find(({ worker_id }) => worker_id === worker)?.pid;

/** Waits out the lease, then watches the rest on the other agent. */
export async function watchResumed(scene: Scene, id: WorkloadId, killed: Killed): Promise<Resumed> {
  const { narrator, names } = scene;
  narrator.step("See it go on elsewhere");
  narrator.say("Nobody knows of the death yet. When its lease is over, the other agent gets the newest checkpoint.");
  const taken = await follow(
    scene.client,
    id,
    scene.signal,
    ({ generation, status }) => generation > killed.generation && status === "RUNNING",
  );
  if (taken.worker_id !== null)
    narrator.say(`It runs on ${names.get(taken.worker_id)}, ${seconds(Date.now() - killed.at)} after the kill.`);
  let resumedPercent = killed.percent;
  const final = await watch(scene, id, ({ progress_percent }) => {
    resumedPercent = Math.min(resumedPercent, progress_percent);
    return false; // to the end
  });
  return { final, resumedPercent };
}

/** Shows its progress, under the name of the worker that has it, until it is enough. */
async function watch(
  { client, narrator, names, signal }: Scene,
  id: WorkloadId,
  isEnough: (view: WorkloadView) => boolean,
): Promise<WorkloadView> {
  const running = await follow(client, id, signal, ({ status }) => status === "RUNNING");
  const progress = narrator.progress(names.get(running.worker_id ?? "") ?? "the work");
  try {
    return await follow(client, id, signal, (view) => {
      progress.show(view.progress_percent, `checkpoint ${view.checkpoint_sequence}`);
      return isEnough(view);
    });
  } finally {
    progress.stop();
  }
}
