/** Customers and workloads for the tests of stores: whole records, of which a test names what it is about. */

import type { AuditEntry, Change, Submission, Workload } from "../../functions/domain/workload.ts";
import type { SubmissionGroup } from "../../functions/store/store.ts";
import { createIdSource, secureRandom } from "../../schema/ids.ts";
import type { CheckpointNotice } from "../../schema/messages/worker-events.ts";
import type { WorkloadEventType, WorkloadStatus } from "../../schema/status.ts";

export const ids = createIdSource(Date.now, secureRandom);
/** The tests' own time; nothing in a store looks at another clock. */
export const t0 = Date.UTC(2030, 0, 1, 12, 0, 0, 123);

export const newWorkload = (chosen: Partial<Workload> = {}): Workload => ({
  workloadId: ids.workload(),
  workloadType: "noop",
  pool: "default",
  status: "PENDING",
  generation: 0,
  priority: 10,
  queueRank: chosen.createdAt ?? t0,
  dueAt: null,
  workerId: null,
  lastWorkerId: null,
  affinity: null,
  intent: null,
  inputBytes: 2,
  progressPercent: 0,
  progressMessage: null,
  checkpointSequence: 0,
  retryCount: 0,
  deathCount: 0,
  policy: {
    maxRetries: 3,
    retryBaseMs: 1_000,
    retryCapMs: 300_000,
    timeoutSeconds: null,
    checkpointIntervalSec: 300,
    checkpointProgressPercent: 10,
  },
  createdAt: t0,
  scheduledAt: null,
  startedAt: null,
  completedAt: null,
  ...chosen,
});

export const auditEntry = (eventType: WorkloadEventType, chosen: Partial<AuditEntry> = {}): AuditEntry => ({
  eventType,
  actor: { type: "coordinator", id: "coordinator" },
  generation: 0,
  at: t0,
  details: {},
  ...chosen,
});

export const newSubmission = (
  chosen: Partial<Workload> = {},
  rest: Partial<Omit<Submission, "workload">> = {},
): Submission => ({
  workload: newWorkload(chosen),
  labels: {},
  input: {},
  origin: null,
  runAt: null,
  audit: [auditEntry("workload.created")],
  ...rest,
});

export const groupOf = (submissions: readonly Submission[], key?: string, bodySha256 = "a"): SubmissionGroup => ({
  submissions,
  idempotency: key === undefined ? null : { key, bodySha256 },
});

const eventOf: Record<WorkloadStatus, WorkloadEventType> = {
  PENDING: "workload.retry_scheduled",
  SCHEDULED: "workload.scheduled",
  RUNNING: "workload.started",
  PAUSED: "workload.paused",
  REDISTRIBUTING: "workload.redistributed",
  COMPLETED: "workload.completed",
  FAILED: "workload.failed",
  CANCELLED: "workload.cancelled",
};

/** From `workload` as it is, with an audit entry that names the new status. */
export function stepTo(
  workload: Workload,
  status: WorkloadStatus,
  chosen: Partial<Workload> = {},
  rest: Partial<Change> = {},
): Change {
  const next: Workload = { ...workload, status, ...chosen };
  return {
    from: { generation: workload.generation, status: workload.status },
    next,
    audit: [auditEntry(eventOf[status], { generation: next.generation })],
    checkpoints: [],
    ...rest,
  };
}

export function scheduledOn(workload: Workload, workerId = ids.worker(), rest: Partial<Change> = {}): Change {
  const generation = workload.generation + 1;
  const audit = [auditEntry("workload.scheduled", { generation, details: { worker_id: workerId } })];
  return stepTo(workload, "SCHEDULED", { generation, workerId, scheduledAt: t0 + 1_000 }, { audit, ...rest });
}

export const started = (workload: Workload, rest: Partial<Change> = {}): Change =>
  stepTo(workload, "RUNNING", { startedAt: t0 + 2_000 }, rest);

export const completed = (workload: Workload, rest: Partial<Change> = {}): Change =>
  stepTo(workload, "COMPLETED", { workerId: null, lastWorkerId: workload.workerId, completedAt: t0 + 3_000 }, rest);

export interface Bytes {
  readonly chunks: readonly Uint8Array<ArrayBuffer>[];
  readonly notice: CheckpointNotice;
}

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");

/** A checkpoint of these chunks, as its worker announces it. */
export async function checkpointOf(sequence: number, ...chunks: readonly Uint8Array<ArrayBuffer>[]): Promise<Bytes> {
  const whole = Buffer.concat(chunks);
  const sha256 = Buffer.from(await crypto.subtle.digest("SHA-256", whole)).toString("hex");
  return { chunks, notice: { sequence, bytes: whole.length, sha256, chunks: chunks.length } };
}

/** A checkpoint of one chunk that travels with its notice. */
export async function inlineCheckpoint(sequence: number, text = `state ${sequence}`): Promise<CheckpointNotice> {
  const bytes = new Uint8Array(new TextEncoder().encode(text));
  const { notice } = await checkpointOf(sequence, bytes);
  return { ...notice, data: base64(bytes) };
}
