/** What the demo saw, what follows from it in numbers, and whether it is what was promised. */
import { z } from "zod";
import type { WorkloadView } from "../../../schema/http/workload.ts";
import type { WorkerId } from "../../../schema/ids.ts";
import type { AuditEvent } from "./client.ts";
import { type Counts, countsSchema, describeCounts, sameCounts } from "./word-counts.ts";

export interface Evidence {
  readonly expected: Counts;
  readonly killed: { readonly worker: WorkerId; readonly at: number; readonly percent: number };
  /** The lowest progress that the second worker reported. */
  readonly resumedPercent: number;
  readonly final: WorkloadView;
  readonly events: readonly AuditEvent[];
}

export interface Measures {
  /** From the kill until the work was taken from the dead worker. */
  readonly detectMs: number;
  /** From then until another worker ran it. */
  readonly restartMs: number;
  /** The number of the checkpoint it went on from; 0: from the beginning. */
  readonly checkpoint: number;
  readonly bytesTwice: number;
}

/** Compares the API's clock with our own: it is one machine. Null: it was not taken over. */
export function measure({ killed, resumedPercent, expected, events }: Evidence): Measures | null {
  const lost = events.findIndex(({ event_type }) => event_type === "workload.redistributed");
  const started = events.slice(lost).find(({ event_type }) => event_type === "workload.started");
  const redistributed = events[lost];
  if (redistributed === undefined || started === undefined) return null;
  const lostAt = Date.parse(redistributed.timestamp);
  return {
    detectMs: lostAt - killed.at,
    restartMs: Date.parse(started.timestamp) - lostAt,
    checkpoint: lastCheckpoint(events.slice(0, lost)),
    bytesTwice: Math.max(0, Math.round(((killed.percent - resumedPercent) / 100) * expected.bytes)),
  };
}

const checkpointSchema = z.object({ sequence: z.int() });

function lastCheckpoint(events: readonly AuditEvent[]): number {
  const last = events.findLast(({ event_type }) => event_type === "workload.checkpoint_created");
  return last === undefined ? 0 : checkpointSchema.parse(last.details).sequence;
}

export function countsOf(result: unknown): Counts | null {
  const parsed = countsSchema.safeParse(result);
  return parsed.success ? parsed.data : null;
}

/** The first promise that was not kept, in words; null: all were. */
export function findFault(evidence: Evidence): string | null {
  const { final, expected } = evidence;
  if (final.status !== "COMPLETED") return `The workload ended ${final.status}${reasonOf(final)}.`;
  const counts = countsOf(final.result_data);
  if (counts === null || !sameCounts(counts, expected)) {
    return `The result differs: ${counts === null ? "no counts" : describeCounts(counts)}; expected ${describeCounts(expected)}.`;
  }
  if (final.generation < 2) return "The workload was never given to a second worker.";
  return faultOfTrail(evidence);
}

const reasonOf = ({ error }: WorkloadView): string => (error === null ? "" : ` (${error.type}: ${error.message})`);

function faultOfTrail(evidence: Evidence): string | null {
  const measures = measure(evidence);
  if (measures === null) return "The audit trail does not tell of the move to another worker.";
  if (measures.checkpoint === 0) return "It began again from the start: there was no checkpoint.";
  const missing = missingEvent(evidence);
  return missing === null ? null : `The audit trail lacks ${missing}.`;
}

/** Created once, scheduled and started in every generation, the second time elsewhere, completed once, in order. */
function missingEvent({ events, final, killed }: Evidence): string | null {
  const count = (type: string) => events.filter(({ event_type }) => event_type === `workload.${type}`).length;
  if (count("created") !== 1 || events[0]?.event_type !== "workload.created") return "its beginning";
  if (count("completed") !== 1 || events.at(-1)?.event_type !== "workload.completed") return "its end";
  if (count("scheduled") !== final.generation) return "a placement";
  if (count("started") !== final.generation) return "a start";
  if (events.at(-1)?.actor_id === killed.worker) return "the second worker";
  return isInOrder(events) ? null : "its order";
}

const isInOrder = (events: readonly AuditEvent[]): boolean =>
  events.every(({ timestamp }, at) => at === 0 || Date.parse(timestamp) >= Date.parse(events[at - 1]?.timestamp ?? ""));
