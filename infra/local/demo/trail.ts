/** The audit trail as a table that can be read at a glance: what happens often is folded into one row. */
import { z } from "zod";
import type { AuditEvent } from "./client.ts";

export interface TrailRow {
  readonly at: string;
  readonly event: string;
  readonly by: string;
  readonly words: string;
}

/** What a worker is called on the screen. */
export type WorkerNames = ReadonlyMap<string, string>;

const detailsSchema = z.object({
  worker_id: z.string().optional(),
  reason: z.string().optional(),
  sequence: z.number().optional(),
  percent: z.number().optional(),
});
type Details = z.infer<typeof detailsSchema>;

const frequent = new Set(["workload.progress_updated", "workload.checkpoint_created"]);

export function trailRows(events: readonly AuditEvent[], names: WorkerNames): TrailRow[] {
  const submittedAt = Date.parse(events[0]?.timestamp ?? "");
  return foldFrequent(events).map((group) => {
    const [first] = group;
    return {
      at: `+${((Date.parse(first.timestamp) - submittedAt) / 1_000).toFixed(2)} s`,
      event: group.length === 1 ? first.event_type.replace("workload.", "") : "progress, checkpoints",
      by: names.get(first.actor_id) ?? first.actor_type,
      words: group.length === 1 ? wordsOf(first, names) : summaryOf(group),
    };
  });
}

type Group = [AuditEvent, ...AuditEvent[]];

/** Neighbours that tell of progress become one group. */
function foldFrequent(events: readonly AuditEvent[]): Group[] {
  const groups: Group[] = [];
  for (const event of events) {
    const last = groups.at(-1);
    if (last !== undefined && frequent.has(event.event_type) && frequent.has(last[0].event_type)) last.push(event);
    else groups.push([event]);
  }
  return groups;
}

const detailsOf = ({ details }: AuditEvent): Details => detailsSchema.catch({}).parse(details);

function wordsOf(event: AuditEvent, names: WorkerNames): string {
  const { worker_id: worker = "", reason = "", sequence, percent = 0 } = detailsOf(event);
  const name = names.get(worker) ?? worker;
  const words: Record<string, string> = {
    "workload.created": "accepted, and stored before the reply was sent",
    "workload.scheduled": `given to ${name}, as generation ${event.generation}`,
    "workload.started": "it runs",
    "workload.redistributed": `taken from ${name}: ${reason}`,
    "workload.completed": "the result is stored",
    "workload.progress_updated": `${Math.floor(percent)} %`,
    "workload.checkpoint_created": `checkpoint ${sequence}`,
  };
  return words[event.event_type] ?? JSON.stringify(event.details);
}

function summaryOf(group: Group): string {
  const details = group.map(detailsOf);
  const sequences = details.flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]));
  const percents = details.flatMap(({ percent }) => (percent === undefined ? [] : [Math.floor(percent)]));
  return [`${group.length} events`, rangeOf("checkpoint", sequences, ""), rangeOf("progress", percents, " %")]
    .filter((part) => part !== "")
    .join(", ");
}

function rangeOf(name: string, values: readonly number[], unit: string): string {
  const [first, last] = [values[0], values.at(-1)];
  if (first === undefined || last === undefined) return "";
  return first === last ? `${name} ${first}${unit}` : `${name} ${first} to ${last}${unit}`;
}

/** Columns as wide as their widest cell. */
export function tableLines(rows: readonly TrailRow[]): string[] {
  const all: TrailRow[] = [{ at: "since submit", event: "event", by: "by", words: "details" }, ...rows];
  const width = (column: keyof TrailRow) => Math.max(...all.map((row) => row[column].length));
  const [at, event, by] = [width("at"), width("event"), width("by")];
  return all.map((row) => `${row.at.padStart(at)}  ${row.event.padEnd(event)}  ${row.by.padEnd(by)}  ${row.words}`);
}
