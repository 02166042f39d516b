/** Short ways for the store's contract: a customer with a leader, workloads in it, and what a leader was told. */
import type { Change, Submission, Workload } from "../../../functions/domain/workload.ts";
import type { NewKey } from "../../../functions/store/directory.ts";
import type { Applied, Lead, LogBatch, StateStore, Written } from "../../../functions/store/store.ts";
import type { WorkloadId } from "../../../schema/ids.ts";
import { wholeTrail } from "../../support/pages.ts";
import { groupOf, ids, newSubmission, scheduledOn, started, t0 } from "../../support/records.ts";
import type { GiveStore } from "../store.suite.ts";

export const windowMax = 100;

export async function newLead(give: GiveStore): Promise<{ store: StateStore; lead: Lead }> {
  const { store, newCustomer } = give();
  const state = await store.lead(await newCustomer(), windowMax, t0);
  if (state === null) throw new Error("the customer that was just made is not there");
  return { store, lead: state.lead };
}

export function granted<T>(outcome: Written<T>): T {
  if (outcome.kind === "not_leader") throw new Error("the leader was told that it is none");
  return outcome.value;
}

export async function put(store: StateStore, lead: Lead, ...submissions: Submission[]): Promise<Workload[]> {
  granted(await store.insert(lead, [groupOf(submissions)], t0));
  return submissions.map(({ workload }) => workload);
}

export async function putOne(store: StateStore, lead: Lead, submission = newSubmission()): Promise<Workload> {
  await put(store, lead, submission);
  return submission.workload;
}

export const apply = async (
  store: StateStore,
  lead: Lead,
  changes: readonly Change[],
  logs: readonly LogBatch[] = [],
): Promise<Applied> => granted(await store.apply(lead, changes, logs, t0 + 5_000));

/** Takes a new workload to RUNNING under generation 1. */
export async function putRunning(store: StateStore, lead: Lead, submission = newSubmission()): Promise<Workload> {
  const workload = await putOne(store, lead, submission);
  const placed = scheduledOn(workload);
  const running = started(placed.next);
  await apply(store, lead, [placed]);
  await apply(store, lead, [running]);
  return running.next;
}

export async function found(store: StateStore, lead: Lead, id: WorkloadId): Promise<Workload | undefined> {
  const [workload] = await store.find(lead.customerId, [id]);
  return workload;
}

export async function eventTypes(store: StateStore, lead: Lead, id: WorkloadId): Promise<string[]> {
  return ((await wholeTrail(store, lead.customerId, id)) ?? []).map(({ event_type }) => event_type);
}

const hash = () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex");
export const newKey = (name: string, expiresAt: number | null = null): NewKey => ({
  keyHash: hash(),
  key: {
    key_id: ids.key(),
    name,
    scopes: ["workloads:read", "keys:read"],
    created_at: new Date(t0).toISOString(),
    expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    revoked_at: null,
    last_used_at: null,
  },
});
