/** What a request's bodies become: workloads as they are inserted, placed already where a slot is reserved for them. */
import type { SubmitBody } from "../../schema/http/submit.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { jsonBytes } from "../../schema/json.ts";
import { waitBoostPerMinuteDefault } from "../../schema/limits.ts";
import type { Customer, WorkloadType } from "../domain/customer.ts";
import type { Placement } from "../domain/demand.ts";
import { queueRank } from "../domain/queue-rank.ts";
import { place } from "../domain/transition.ts";
import type { Actor, Submission, Workload } from "../domain/workload.ts";
import type { SubmissionGroup } from "../store/store.ts";

/** Who submits, as what, and when. */
interface Birth {
  readonly workloadId: WorkloadId;
  readonly actor: Actor;
  readonly now: number;
}

export function newSubmission(customer: Customer, body: SubmitBody, birth: Birth): Submission {
  const { actor, now } = birth;
  const runAt = body.run_at === undefined ? null : Date.parse(body.run_at);
  const audit = [{ eventType: "workload.created" as const, actor, generation: 0, at: now, details: {} }];
  const workload = newWorkload(customer, body, birth, runAt);
  return { workload, labels: body.labels, input: body.input_params, origin: null, runAt, audit };
}

function newWorkload(customer: Customer, body: SubmitBody, birth: Birth, runAt: number | null): Workload {
  const { policy } = typeOf(customer, body.workload_type);
  return {
    ...unbegun(customer, birth, body.priority),
    workloadType: body.workload_type,
    pool: body.pool,
    dueAt: runAt !== null && runAt > birth.now ? runAt : null,
    affinity: body.affinity_rules ?? null,
    inputBytes: jsonBytes(body.input_params),
    policy: { ...policy, timeoutSeconds: body.timeout_seconds ?? policy.timeoutSeconds },
  };
}

function typeOf({ types }: Customer, name: string): WorkloadType {
  const type = types.get(name);
  if (type === undefined) throw new Error(`type ${name} was there a moment ago`);
  return type;
}

/** A new workload that repeats another under the present policy of its type; what only a reader needs is copied by the store. */
export function retrySubmission(
  customer: Customer,
  before: Workload,
  birth: Birth,
  fromCheckpoint: boolean,
): Submission {
  const { workloadId, workloadType, pool, affinity, inputBytes, priority, checkpointSequence } = before;
  const sequence = fromCheckpoint && checkpointSequence > 0 ? checkpointSequence : null;
  const policy = { ...typeOf(customer, workloadType).policy, timeoutSeconds: before.policy.timeoutSeconds };
  const workload: Workload = {
    ...unbegun(customer, birth, priority),
    ...{ workloadType, pool, affinity, inputBytes, policy, dueAt: null, checkpointSequence: sequence ?? 0 },
  };
  const details = { retry_of: workloadId, from_checkpoint: sequence };
  const created = { eventType: "workload.created" as const, actor: birth.actor, generation: 0, at: birth.now, details };
  const origin = { workloadId, checkpointSequence: sequence };
  return { workload, labels: {}, input: null, origin, runAt: null, audit: [created] };
}

type Asked = "workloadType" | "pool" | "dueAt" | "affinity" | "inputBytes" | "policy";

/** Nothing has happened to it yet. */
function unbegun({ limits }: Customer, { workloadId, now }: Birth, priority: number): Omit<Workload, Asked> {
  return {
    workloadId,
    status: "PENDING",
    generation: 0,
    priority,
    queueRank: queueRank(now, priority, limits.weight, waitBoostPerMinuteDefault),
    workerId: null,
    lastWorkerId: null,
    intent: null,
    progressPercent: 0,
    progressMessage: null,
    checkpointSequence: 0,
    retryCount: 0,
    deathCount: 0,
    createdAt: now,
    scheduledAt: null,
    startedAt: null,
    completedAt: null,
  };
}

/** All of a group's that has no bound of its own but the request's. */
export const bytesOf = ({ submissions }: SubmissionGroup): number =>
  submissions.reduce((sum, { workload, labels }) => sum + workload.inputBytes + extraBytes(workload, labels), 0);

const extraBytes = ({ affinity }: Workload, labels: Submission["labels"]): number =>
  (affinity === null ? 0 : jsonBytes(affinity)) + (Object.keys(labels).length === 0 ? 0 : jsonBytes(labels));

/** Submissions whose slot is reserved come into being SCHEDULED: one statement instead of two. */
export const placedGroup = (
  group: SubmissionGroup,
  placements: ReadonlyMap<WorkloadId, Placement>,
  now: number,
): SubmissionGroup => ({
  ...group,
  submissions: group.submissions.map((submission) => placedSubmission(submission, placements, now)),
});

function placedSubmission(
  submission: Submission,
  placements: ReadonlyMap<WorkloadId, Placement>,
  now: number,
): Submission {
  const placement = placements.get(submission.workload.workloadId);
  if (placement === undefined) return submission;
  const decision = place(submission.workload, placement.workerId, { now, random: 0 });
  if (decision.kind !== "change") return submission;
  return {
    ...submission,
    workload: decision.change.next,
    audit: [...submission.audit, ...decision.change.audit],
  };
}
