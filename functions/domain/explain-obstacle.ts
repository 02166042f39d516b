/** What keeps a workload off every worker of its pool, in words. */
import type { Tags } from "../../schema/affinity.ts";
import type { ExplainRule } from "../../schema/http/explain.ts";
import type { Json } from "../../schema/json.ts";
import type { Resources } from "../../schema/messages/to-coordinator.ts";
import type { Obstacle } from "./obstacle.ts";
import type { Workload } from "./workload.ts";

type Of<K extends Obstacle["kind"]> = Extract<Obstacle, { kind: K }>;
type Waiting = Pick<Workload, "pool" | "workloadType">;
interface Explained {
  readonly rule: ExplainRule;
  readonly message: string;
  readonly details: Json;
}

const lasting: readonly Obstacle["kind"][] = ["pool_empty", "no_capability", "hard_affinity"];

/** Another worker has to come: the end of what runs now changes nothing. */
export const isLasting = ({ kind }: Obstacle): boolean => lasting.includes(kind);

type Table = { [K in Obstacle["kind"]]: (waiting: Waiting, obstacle: Of<K>) => Explained };

const lookUp = <K extends Obstacle["kind"]>(waiting: Waiting, obstacle: Of<K>, kind: K): Explained =>
  table[kind](waiting, obstacle);

export const explainObstacle = (waiting: Waiting, obstacle: Obstacle): Explained =>
  lookUp(waiting, obstacle, obstacle.kind);

const table: Table = {
  pool_empty: ({ pool }) => ({
    rule: "POOL_EMPTY",
    message: `no worker of pool ${pool} takes new work`,
    details: { pool },
  }),
  no_capability: ({ pool, workloadType }, { workers }) => ({
    rule: "NO_CAPABLE_WORKER",
    message: `none of the ${workers} workers of pool ${pool} can run ${workloadType}`,
    details: { pool, workload_type: workloadType, workers },
  }),
  hard_affinity: (_, { workerId, tags }) => ({
    rule: "HARD_AFFINITY",
    message: `no worker that can run it meets hard_affinity on ${workerId ?? textOf(tags)}`,
    details: workerId === null ? { worker_tags: { ...tags } } : { worker_id: workerId, worker_tags: { ...tags } },
  }),
  anti_affinity: (_, { workloadTypes, tags }) => ({
    rule: "ANTI_AFFINITY",
    message: `anti_affinity keeps it off every worker: ${textOf(tags, workloadTypes)} is there`,
    details: { workload_types: [...workloadTypes], worker_tags: { ...tags } },
  }),
  resources: (_, { wanted, workers }) => ({
    rule: "RESOURCES",
    message: `none of the ${workers} workers that it may run on has the resources left that its type needs`,
    details: { resource_limits: plain(wanted), workers },
  }),
  no_slot: (_, { used, slots }) => ({
    rule: "NO_FREE_SLOT",
    message: `${used} of ${slots} slots are taken on the workers that it may run on`,
    details: { slots_used: used, slots },
  }),
};

/** Without the fields that are only allowed to be there. */
const plain = (wanted: Resources): Json => JSON.parse(JSON.stringify(wanted));

const textOf = (tags: Tags, types: readonly string[] = []): string =>
  [...Object.entries(tags).map(([tag, value]) => `tag ${tag}=${value}`), ...types.map((type) => `type ${type}`)].join(
    ", ",
  );
