/** Why no worker of a pool takes a workload now: the one rule that leaves nobody, by the predicates of placement. */
import type { Tags } from "../../schema/affinity.ts";
import type { CustomerId, WorkerId } from "../../schema/ids.ts";
import type { Resources } from "../../schema/messages/to-coordinator.ts";
import type { DemandItem } from "./demand.ts";
import { type FitProblem, fitProblems, fits } from "./fit.ts";
import type { Candidate } from "./placement.ts";

export type Obstacle =
  | { readonly kind: "pool_empty" }
  | { readonly kind: "no_capability"; readonly workers: number }
  /** `tags`: those wished for that leave nobody; empty when it is the worker's id that does. */
  | { readonly kind: "hard_affinity"; readonly workerId: WorkerId | null; readonly tags: Tags }
  | { readonly kind: "anti_affinity"; readonly workloadTypes: readonly string[]; readonly tags: Tags }
  | { readonly kind: "resources"; readonly wanted: Resources; readonly workers: number }
  /** Of the workers that fit but for this. */
  | { readonly kind: "no_slot"; readonly used: number; readonly slots: number };

/** `workers`: all that may get new work, full or not. Null: one of them takes it. */
export function placementObstacle(
  item: DemandItem,
  customerId: CustomerId,
  workers: readonly Candidate[],
): Obstacle | null {
  if (workers.length === 0) return { kind: "pool_empty" };
  const problems = workers.map((worker) => fits(item, worker, customerId));
  if (problems.includes(null)) return null;
  const decisive = fitProblems.findLast((problem) => problems.includes(problem)) ?? "no_capability";
  // The others were out for an earlier reason: these got furthest, and what stops them stops the workload.
  const nearest = workers.filter((_, index) => problems[index] === decisive);
  return describe[decisive]({ item, customerId, nearest, capable: capable(item, workers) });
}

const capable = ({ workloadType }: DemandItem, workers: readonly Candidate[]): Candidate[] =>
  workers.filter(({ capabilities }) => capabilities.has(workloadType));

interface Stopped {
  readonly item: DemandItem;
  readonly customerId: CustomerId;
  readonly nearest: readonly Candidate[];
  readonly capable: readonly Candidate[];
}
type Describe = (stopped: Stopped) => Obstacle;

const describe: Readonly<Record<FitProblem, Describe>> = {
  no_capability: ({ nearest }) => ({ kind: "no_capability", workers: nearest.length }),
  hard_affinity: hardObstacle,
  anti_affinity: antiObstacle,
  resources: ({ item, nearest }) => ({ kind: "resources", wanted: item.resources ?? {}, workers: nearest.length }),
  no_slot: ({ nearest }) => ({
    kind: "no_slot",
    used: nearest.reduce((sum, { used }) => sum + used, 0),
    slots: nearest.reduce((sum, { slots }) => sum + slots, 0),
  }),
};

const isKeptOff =
  ({ item, customerId }: Stopped, affinity: DemandItem["affinity"], problem: FitProblem) =>
  (worker: Candidate) =>
    affinity !== undefined && fits({ ...item, affinity }, worker, customerId) === problem;

/** The worker's id when it is not there; else the first tag that none of those left has. */
function hardObstacle(stopped: Stopped): Obstacle {
  const { item, capable: able } = stopped;
  const { worker_id: workerId, worker_tags: wished = {} } = item.affinity?.hard_affinity ?? {};
  const lacks = (hard: NonNullable<DemandItem["affinity"]>["hard_affinity"]) =>
    isKeptOff(stopped, { hard_affinity: hard }, "hard_affinity");
  let left = workerId === undefined ? able : able.filter((worker) => !lacks({ worker_id: workerId })(worker));
  if (left.length === 0) return { kind: "hard_affinity", workerId: workerId ?? null, tags: {} };
  for (const [tag, value] of Object.entries(wished)) {
    left = left.filter((worker) => !lacks({ worker_tags: { [tag]: value } })(worker));
    if (left.length === 0) return { kind: "hard_affinity", workerId: null, tags: { [tag]: value } };
  }
  return { kind: "hard_affinity", workerId: workerId ?? null, tags: wished };
}

/** Of the types and tags to be kept away from, those that are really there. */
function antiObstacle(stopped: Stopped): Obstacle {
  const { item, nearest } = stopped;
  const { workload_types: types = [], worker_tags: tags = {} } = item.affinity?.anti_affinity ?? {};
  const stops = (anti: NonNullable<DemandItem["affinity"]>["anti_affinity"]) =>
    nearest.some(isKeptOff(stopped, { anti_affinity: anti }, "anti_affinity"));
  return {
    kind: "anti_affinity",
    workloadTypes: types.filter((type) => stops({ workload_types: [type] })),
    tags: Object.fromEntries(Object.entries(tags).filter(([tag, value]) => stops({ worker_tags: { [tag]: value } }))),
  };
}
