/** Decided steps in memory: each only where its row is still as it was decided on. */
import type { WorkloadId } from "../../../schema/ids.ts";
import type { CheckpointRef } from "../../../schema/messages/assignment.ts";
import type { CheckpointNotice } from "../../../schema/messages/worker-events.ts";
import { isHeld } from "../../../schema/status.ts";
import type { Change } from "../../domain/workload.ts";
import type { Applied, LogBatch, Scheduled } from "../store.ts";
import { auditViews } from "./audit.ts";
import { dropUnannounced, isNext, isWhole, prune, storeChunk } from "./checkpoints.ts";
import {
  assertStorable,
  assertWhole,
  type CheckpointRow,
  type CustomerRows,
  type Rows,
  type WorkloadRow,
} from "./rows.ts";

/** Notices that were found whole; looked at before the step, which must not wait for anything. */
export async function wholeNotices(customer: CustomerRows, changes: readonly Change[]): Promise<Set<CheckpointNotice>> {
  const whole = new Set<CheckpointNotice>();
  for (const { from, next, checkpoints } of changes) {
    const row = customer.workloads.get(next.workloadId);
    if (row === undefined) continue;
    for (const notice of checkpoints) if (await isWhole(row, from.generation, notice)) whole.add(notice);
  }
  return whole;
}

export function applyAll(
  rows: Rows,
  customer: CustomerRows,
  changes: readonly Change[],
  logs: readonly LogBatch[],
  whole: ReadonlySet<CheckpointNotice>,
  now: number,
): Applied {
  assertStorable([changes, logs]);
  for (const { next } of changes) assertWhole(next);
  for (const batch of logs) storeLines(customer, batch);
  const missed: WorkloadId[] = [];
  const scheduled: Scheduled[] = [];
  const brokenCheckpoints: Applied["brokenCheckpoints"][number][] = [];
  for (const change of changes) {
    const { workloadId } = change.next;
    const row = customer.workloads.get(workloadId);
    if (row === undefined || !isAsDecided(row, change)) {
      missed.push(workloadId);
      continue;
    }
    const broken = applyOne(rows, row, change, whole, now);
    brokenCheckpoints.push(...broken.map((sequence) => ({ workloadId, sequence })));
    if (change.next.status === "SCHEDULED") scheduled.push(scheduledOf(row));
  }
  return { missed, scheduled, brokenCheckpoints };
}

const isAsDecided = ({ workload }: WorkloadRow, { from }: Change): boolean =>
  workload.generation === from.generation && workload.status === from.status;

/** Answers the sequences of checkpoints that were not taken. */
function applyOne(
  rows: Rows,
  row: WorkloadRow,
  change: Change,
  whole: ReadonlySet<CheckpointNotice>,
  now: number,
): number[] {
  const { next, result, error, checkpoints, from } = change;
  const before = row.workload.checkpointSequence;
  const taken = checkpoints.filter((notice) => whole.has(notice) && isNext(row, notice.sequence));
  const broken = checkpoints.filter((notice) => !taken.includes(notice)).map(({ sequence }) => sequence);
  takeCheckpoints(row, from.generation, checkpoints, taken, now);
  row.workload = { ...next, checkpointSequence: Math.max(before, ...taken.map(({ sequence }) => sequence)) };
  if (isHeld(from.status) && (!isHeld(next.status) || next.generation > from.generation)) dropUnannounced(row);
  row.result = result ?? row.result;
  row.error = next.status === "COMPLETED" ? null : (error ?? row.error);
  row.updatedAt = now;
  row.audit.push(
    ...auditViews(
      rows,
      change.audit.filter((entry) => !speaksOf(entry, broken)),
    ),
  );
  return broken;
}

/** No audit event for a checkpoint that was not taken. */
function speaksOf({ eventType, details }: Change["audit"][number], broken: readonly number[]): boolean {
  if (eventType !== "workload.checkpoint_created" || typeof details !== "object" || details === null) return false;
  return !Array.isArray(details) && broken.some((sequence) => details.sequence === sequence);
}

function takeCheckpoints(
  row: WorkloadRow,
  generation: number,
  announced: readonly CheckpointNotice[],
  taken: readonly CheckpointNotice[],
  createdAt: number,
): void {
  for (const { sequence, data } of announced) {
    if (data !== undefined && isNext(row, sequence)) storeChunk(row, sequence, generation, 0, data);
  }
  for (const { sequence, bytes, sha256, chunks } of taken) {
    row.checkpoints.push({ sequence, bytes, sha256, chunks, generation, createdAt });
  }
  row.checkpoints.sort((a, b) => a.sequence - b.sequence);
  if (announced.length > 0) prune(row);
}

function scheduledOf({ workload, input, checkpoints }: WorkloadRow): Scheduled {
  const newest = checkpoints.at(-1);
  return { workloadId: workload.workloadId, input, checkpoint: newest === undefined ? null : refOf(newest) };
}

const refOf = ({ sequence, bytes, sha256, chunks }: CheckpointRow): CheckpointRef => ({
  sequence,
  bytes,
  sha256,
  chunks,
});

function storeLines(customer: CustomerRows, { workloadId, generation, lines }: LogBatch): void {
  const row = customer.workloads.get(workloadId);
  if (row?.workload.generation !== generation) return;
  for (const { line, timestamp, level, message, details } of lines) {
    const name = `${generation}/${line}`;
    if (row.logs.has(name)) continue;
    const at = Date.parse(timestamp);
    row.logs.set(name, {
      line,
      at,
      timestamp: new Date(at).toISOString(),
      level,
      message,
      generation,
      details: details ?? null,
    });
  }
}
