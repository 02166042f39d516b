/** What a request's bodies become: workloads as they are inserted, placed already where a slot is reserved for them. */
import type { SubmitBody } from "../../schema/http/submit.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import { jsonBytes } from "../../schema/json.ts";
import { waitBoostPerMinuteDefault } from "../../schema/limits.ts";
import type { Customer } from "../domain/customer.ts";
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
  return { workload, labels: body.labels, input: body.input_params, runAt, audit };
}

function newWorkload(customer: Customer, body: SubmitBody, { workloadId, now }: Birth, runAt: number | null): Workload {
  const type = customer.types.get(body.workload_type);
  if (type === undefined) throw new Error(`type ${body.workload_type} was there a moment ago`);
  return {
    workloadId,
    workloadType: body.workload_type,
    pool: body.pool,
    status: "PENDING",
    generation: 0,
    priority: body.priority,
    queueRank: queueRank(now, body.priority, customer.limits.weight, waitBoostPerMinuteDefault),
    dueAt: runAt !== null && runAt > now ? runAt : null,
    workerId: null,
    lastWorkerId: null,
    affinity: body.affinity_rules ?? null,
    inputBytes: jsonBytes(body.input_params),
    progressPercent: 0,
    progressMessage: null,
    checkpointSequence: 0,
    retryCount: 0,
    deathCount: 0,
    policy: { ...type.policy, timeoutSeconds: body.timeout_seconds ?? type.policy.timeoutSeconds },
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
