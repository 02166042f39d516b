/** Whether a worker can take a workload, and how much it should (SPEC §5). */
import type { Tags } from "../../schema/affinity.ts";
import type { CustomerId } from "../../schema/ids.ts";
import type { DemandItem } from "./demand.ts";
import type { Candidate } from "./placement.ts";

/** What keeps a workload off a worker, the most lasting reason first. */
export const fitProblems = ["no_capability", "hard_affinity", "anti_affinity", "resources", "no_slot"] as const;
export type FitProblem = (typeof fitProblems)[number];

/** A type is its customer's own: two customers may have one of the same name, and neither learns of the other's. */
export const ownType = (customerId: CustomerId, workloadType: string): string => `${customerId}/${workloadType}`;

export const softScoreBase = 50;
const softScoreWorker = 50;
const softScoreTag = 5;
export const softScoreMax = 100;

/** Sums of fractions of a core differ from the whole by less than this. */
const resourceSlack = 1e-9;

/** The first reason, of those in `fitProblems`, that this customer's `item` cannot start on `worker` now; null: it can. */
export function fits(item: DemandItem, worker: Candidate, customerId: CustomerId): FitProblem | null {
  if (!worker.capabilities.has(item.workloadType)) return "no_capability";
  if (!meetsHard(item, worker)) return "hard_affinity";
  if (breaksAnti(item, worker, customerId)) return "anti_affinity";
  if (!hasResources(item, worker)) return "resources";
  return worker.used < worker.slots ? null : "no_slot";
}

/** Base 50, the wished-for worker +50, +5 a matching tag, at most 100. */
export function softScore(item: DemandItem, worker: Candidate): number {
  const soft = item.affinity?.soft_affinity;
  if (soft === undefined) return softScoreBase;
  const forWorker = soft.worker_id === worker.workerId ? softScoreWorker : 0;
  const forTags = softScoreTag * countMatching(soft.worker_tags, worker.tags);
  return Math.min(softScoreMax, softScoreBase + forWorker + forTags);
}

function meetsHard(item: DemandItem, worker: Candidate): boolean {
  const hard = item.affinity?.hard_affinity;
  if (hard === undefined) return true;
  if (hard.worker_id !== undefined && hard.worker_id !== worker.workerId) return false;
  for (const tag in hard.worker_tags) if (worker.tags[tag] !== hard.worker_tags[tag]) return false;
  return true;
}

/** Any one of the tags, or of the customer's own types, is enough to keep away. */
function breaksAnti(item: DemandItem, worker: Candidate, customerId: CustomerId): boolean {
  const anti = item.affinity?.anti_affinity;
  if (anti === undefined) return false;
  if (countMatching(anti.worker_tags, worker.tags) > 0) return true;
  return anti.workload_types?.some((type) => (worker.running.get(ownType(customerId, type)) ?? 0) > 0) ?? false;
}

function countMatching(wanted: Tags | undefined, tags: Tags): number {
  let matching = 0;
  for (const tag in wanted) if (tags[tag] === wanted[tag]) matching += 1;
  return matching;
}

/** A resource that the worker does not declare is not counted. */
function hasResources({ resources }: DemandItem, { resources: declared, resourcesUsed: used }: Candidate): boolean {
  if (resources === undefined) return true;
  return (
    isWithin(resources.cpu_cores, used.cpu_cores, declared.cpu_cores) &&
    isWithin(resources.memory_mb, used.memory_mb, declared.memory_mb) &&
    isWithin(resources.disk_mb, used.disk_mb, declared.disk_mb)
  );
}

const isWithin = (wanted: number | undefined, used: number, declared: number | undefined): boolean =>
  wanted === undefined || declared === undefined || used + wanted <= declared + resourceSlack;
