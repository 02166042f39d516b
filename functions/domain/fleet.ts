/** The workers of one placement pass: indexed by what they can do, and filled as the pass goes on. */
import type { CustomerId, WorkerId } from "../../schema/ids.ts";
import { Choice } from "./choice.ts";
import type { DemandItem } from "./demand.ts";
import { fits, ownType, softScore } from "./fit.ts";
import type { Candidate } from "./placement.ts";
import { TagIndex } from "./tag-index.ts";

/** Workers with one capability that had a slot at the start, as indexes in id order. */
interface Posting {
  readonly members: number[];
  /** Members that are not full. */
  open: number;
}

const full = Number.POSITIVE_INFINITY;
const loadOf = ({ used, slots }: Candidate): number => (used < slots ? used / slots : full);
const byId = (a: Candidate, b: Candidate): number => Number(a.workerId > b.workerId) - Number(a.workerId < b.workerId);
const isOther = (worker: Candidate, workerId: WorkerId | undefined): number => (worker.workerId === workerId ? 0 : 1);

/** Below zero: `a` is the better of two that fit, by soft score, then load, then who ran it last, then the id. */
const prefer = (item: DemandItem, a: Candidate, b: Candidate): number =>
  softScore(item, b) - softScore(item, a) ||
  loadOf(a) - loadOf(b) ||
  isOther(a, item.lastWorkerId) - isOther(b, item.lastWorkerId) ||
  byId(a, b);

/** A worker may close to this kind while it has slots: by what else starts there. */
const canClose = ({ affinity, resources }: DemandItem): boolean =>
  resources !== undefined || (affinity?.anti_affinity?.workload_types?.length ?? 0) > 0;

export class Fleet {
  /** Of all workers together. */
  freeSlots = 0;
  readonly #workers: readonly Candidate[];
  readonly #indexes = new Map<WorkerId, number>();
  readonly #load: Float64Array;
  readonly #capable = new Map<string, Posting>();
  #tags: TagIndex | null = null;
  readonly #choices = new Map<string, Choice>();

  constructor(candidates: readonly Candidate[]) {
    this.#workers = [...candidates].sort(byId);
    this.#load = Float64Array.from(this.#workers, loadOf);
    for (const [index, worker] of this.#workers.entries()) this.#register(worker, index);
  }

  /** No worker with this capability has a slot; true for the rest of the pass. */
  isFull(workloadType: string): boolean {
    const capable = this.#capable.get(workloadType);
    return capable === undefined || capable.open === 0;
  }

  /** Takes a slot for `item` on the best worker that fits; null: none does, nor will one later in this pass. */
  take(item: DemandItem, customerId: CustomerId): Candidate | null {
    const index = this.#best(item, customerId);
    const worker = index === null ? undefined : this.#workers[index];
    if (index === null || worker === undefined) return null;
    occupy(worker, item, customerId);
    this.freeSlots -= 1;
    this.#load[index] = loadOf(worker);
    if (worker.used >= worker.slots) this.#closed(worker);
    return worker;
  }

  #register(worker: Candidate, index: number): void {
    this.#indexes.set(worker.workerId, index);
    if (worker.used >= worker.slots) return;
    this.freeSlots += worker.slots - worker.used;
    for (const type of worker.capabilities) {
      const posting = this.#capable.get(type);
      if (posting === undefined) this.#capable.set(type, { members: [index], open: 1 });
      else posting.open = posting.members.push(index);
    }
  }

  #closed(worker: Candidate): void {
    for (const type of worker.capabilities) {
      const posting = this.#capable.get(type);
      if (posting !== undefined) posting.open -= 1;
    }
  }

  #best(item: DemandItem, customerId: CustomerId): number | null {
    const capable = this.#capable.get(item.workloadType);
    if (capable === undefined || capable.open === 0) return null;
    const pinned = item.affinity?.hard_affinity?.worker_id;
    if (pinned !== undefined) return this.#fitting(item, customerId, pinned);
    const first = this.#choice(item, customerId, capable.members).best();
    const wished = this.#fitting(item, customerId, item.affinity?.soft_affinity?.worker_id);
    const last = this.#fitting(item, customerId, item.lastWorkerId);
    return this.#better(item, this.#better(item, first, wished), last);
  }

  #fitting(item: DemandItem, customerId: CustomerId, workerId: WorkerId | undefined): number | null {
    const index = workerId === undefined ? undefined : this.#indexes.get(workerId);
    const worker = index === undefined ? undefined : this.#workers[index];
    if (index === undefined || worker === undefined) return null;
    return fits(item, worker, customerId) === null ? index : null;
  }

  #better(item: DemandItem, a: number | null, b: number | null): number | null {
    if (a === null || b === null || a === b) return a ?? b;
    const [left, right] = [this.#workers[a], this.#workers[b]];
    if (left === undefined || right === undefined) return null;
    return prefer(item, left, right) <= 0 ? a : b;
  }

  /** What decides where a workload fits and what it prefers, worker ids aside: equal text, equal workers. */
  #kindOf({ workloadType, affinity, resources }: DemandItem, customerId: CustomerId): string {
    if (affinity === undefined && resources === undefined) return workloadType;
    const needs = resources ? `${resources.cpu_cores},${resources.memory_mb},${resources.disk_mb}` : "";
    if (affinity === undefined) return `${workloadType} ${needs}`;
    const { hard_affinity: hard, soft_affinity: soft, anti_affinity: anti } = affinity;
    this.#tags ??= new TagIndex(this.#workers);
    const wanted = `${this.#tags.textOf(hard?.worker_tags, "nowhere,")} ${this.#tags.textOf(soft?.worker_tags, "")}`;
    const types = anti?.workload_types === undefined ? "" : `${customerId} ${anti.workload_types.join()}`;
    const avoided = `${this.#tags.textOf(anti?.worker_tags, "")} ${types}`;
    return `${workloadType} ${needs} ${wanted} ${avoided}`;
  }

  #choice(item: DemandItem, customerId: CustomerId, capable: readonly number[]): Choice {
    const kind = this.#kindOf(item, customerId);
    const known = this.#choices.get(kind);
    if (known !== undefined) return known;
    const choice = new Choice(this.#byScore(item, customerId, capable), this.#load, this.#openTo(item, customerId));
    this.#choices.set(kind, choice);
    return choice;
  }

  /** The wish for one worker is not of the kind: `#best` compares that worker apart. */
  #byScore(item: DemandItem, customerId: CustomerId, capable: readonly number[]): Map<number, number[]> {
    const soft = item.affinity?.soft_affinity;
    const tagsOnly = soft?.worker_tags
      ? { ...item, affinity: { soft_affinity: { worker_tags: soft.worker_tags } } }
      : null;
    const tiers = new Map<number, number[]>();
    const hardTags = item.affinity?.hard_affinity?.worker_tags;
    for (const index of this.#tags?.narrowest(hardTags, capable) ?? capable) {
      const worker = this.#workers[index];
      if (worker === undefined || fits(item, worker, customerId) !== null) continue;
      const score = tagsOnly === null ? 0 : softScore(tagsOnly, worker);
      const tier = tiers.get(score);
      if (tier === undefined) tiers.set(score, [index]);
      else tier.push(index);
    }
    return tiers;
  }

  #openTo(item: DemandItem, customerId: CustomerId): (index: number) => boolean {
    if (!canClose(item)) return () => true;
    return (index) => {
      const worker = this.#workers[index];
      return worker !== undefined && fits(item, worker, customerId) === null;
    };
  }
}

function occupy(worker: Candidate, { workloadType, resources }: DemandItem, customerId: CustomerId): void {
  worker.used += 1;
  const type = ownType(customerId, workloadType);
  worker.running.set(type, (worker.running.get(type) ?? 0) + 1);
  worker.resourcesUsed.cpu_cores += resources?.cpu_cores ?? 0;
  worker.resourcesUsed.memory_mb += resources?.memory_mb ?? 0;
  worker.resourcesUsed.disk_mb += resources?.disk_mb ?? 0;
}
