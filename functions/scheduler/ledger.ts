/** Who is there and who holds what: the pool's workers, and every slot from its reservation to its release. */
import type { CustomerId, WorkerId, WorkloadId } from "../../schema/ids.ts";
import type { Held, Registration, Resources } from "../../schema/messages/to-coordinator.ts";
import type { DemandItem } from "../domain/demand.ts";
import { ownType } from "../domain/fit.ts";
import type { Candidate } from "../domain/placement.ts";
import { candidateOf, countsOf, unknownCandidate } from "./candidate.ts";

/**
 * reserved: promised to a workload that is not written yet. sent: committed, on its way to the worker. held: the worker
 * has it. unconfirmed: stands in Postgres, the worker has not been heard of since. stopping: over, the worker may not
 * know. ended: the worker reported its end, which is being written; its slot is free already.
 */
export type AttemptState = "reserved" | "sent" | "held" | "unconfirmed" | "stopping" | "ended";

export interface Attempt {
  readonly workloadId: WorkloadId;
  readonly customerId: CustomerId;
  readonly workloadType: string;
  readonly resources: Resources;
  readonly workerId: WorkerId;
  /** 0 while reserved: the generation is made by the write. */
  generation: number;
  state: AttemptState;
  /** Known to have begun when this object's memory began. */
  readonly started: boolean;
  /** Counts events of this pool: tells what was reserved before something was asked. */
  readonly reservedAt: number;
}

export interface Worker {
  readonly workerId: WorkerId;
  /** Null: known from Postgres only, it has not answered yet. */
  registration: Registration | null;
  candidate: Candidate;
  draining: boolean;
  /** It left an assignment without an answer: nothing new for it until it is heard again. */
  suspect: boolean;
  /** When its lease began anew, on this object's clock. */
  lastSeenAt: number;
  missed: boolean;
  readonly attempts: Set<Attempt>;
  /** What it says it holds and nobody here knows of yet: it takes slots all the same. */
  unknown: Set<string>;
  /** How many of them are reservations: the worker does not know of those, so no lease counts for them. */
  reservedCount: number;
}

const keyOf = (workloadId: WorkloadId, generation: number) => `${workloadId}/${generation}`;
const occupies = (attempt: Attempt) => attempt.state !== "ended";

/** The worker has, or may have, something: its lease counts. */
export const isLeased = ({ attempts, reservedCount, draining }: Worker): boolean =>
  attempts.size > reservedCount || draining;

export class Ledger {
  readonly workers = new Map<WorkerId, Worker>();
  readonly #reserved = new Map<WorkloadId, Attempt>();
  readonly #attempts = new Map<string, Attempt>();
  readonly #heldBy = new Map<CustomerId, number>();
  readonly #byCustomer = new Map<CustomerId, Set<Attempt>>();
  /** Attempts of workers that are gone; one that comes back has them still. */
  readonly #left = new Map<WorkerId, Set<Attempt>>();
  #clock = 0;

  /** A number that rises; what was reserved later has a higher one. */
  tick(): number {
    this.#clock += 1;
    return this.#clock;
  }

  heldBy(customerId: CustomerId): number {
    return this.#heldBy.get(customerId) ?? 0;
  }

  /** Workers that may get new work; placement raises their counts as it places. */
  candidates(): Candidate[] {
    return Array.from(this.workers.values())
      .filter(({ registration, draining, suspect }) => registration !== null && !draining && !suspect)
      .filter(({ candidate, unknown }) => unknown.size === 0 || candidate.used + unknown.size < candidate.slots)
      .map(({ candidate }) => candidate);
  }

  isRegistered(workerId: WorkerId): boolean {
    return (this.workers.get(workerId)?.registration ?? null) !== null;
  }

  /** All that may get new work if they have room; what they hold and nobody here knows of counts as used. */
  present(): Candidate[] {
    return Array.from(this.workers.values())
      .filter(({ registration, draining, suspect }) => registration !== null && !draining && !suspect)
      .map(({ candidate, unknown }) => ({ ...candidate, used: candidate.used + unknown.size }));
  }

  find({ workload_id, generation }: Pick<Held, "workload_id" | "generation">): Attempt | undefined {
    return this.#attempts.get(keyOf(workload_id, generation));
  }

  reservation(workloadId: WorkloadId): Attempt | undefined {
    return this.#reserved.get(workloadId);
  }

  attemptsOf(customerId: CustomerId): Attempt[] {
    return [...(this.#byCustomer.get(customerId) ?? [])];
  }

  reservations(): Iterable<Attempt> {
    return this.#reserved.values();
  }

  isEmpty(): boolean {
    return this.#attempts.size === 0 && this.#reserved.size === 0;
  }

  /** The worker as it says it is; what it holds stays as it was. */
  enroll(registration: Registration, now: number): { worker: Worker; isNew: boolean } {
    const known = this.workers.get(registration.worker_id);
    const worker = known ?? this.#newWorker(registration.worker_id, now);
    const isNew = worker.registration === null;
    worker.registration = registration;
    worker.draining = registration.draining;
    worker.candidate = { ...candidateOf(registration), ...countsOf(worker.candidate) };
    return { worker, isNew };
  }

  /** A worker that Postgres knows to hold something, until it answers for itself. */
  expect(workerId: WorkerId, now: number): Worker {
    return this.workers.get(workerId) ?? this.#newWorker(workerId, now);
  }

  removeWorker(workerId: WorkerId): void {
    const attempts = this.workers.get(workerId)?.attempts ?? new Set();
    if (attempts.size > 0) this.#left.set(workerId, attempts);
    this.workers.delete(workerId);
  }

  /** `counted`: placement has raised the worker's counts already. */
  reserve(item: DemandItem, customerId: CustomerId, workerId: WorkerId): Attempt {
    const attempt: Attempt = {
      workloadId: item.workloadId,
      customerId,
      workloadType: item.workloadType,
      resources: item.resources ?? {},
      workerId,
      generation: 0,
      state: "reserved",
      started: false,
      reservedAt: this.tick(),
    };
    this.#reserved.set(item.workloadId, attempt);
    const worker = this.workers.get(workerId);
    worker?.attempts.add(attempt);
    if (worker !== undefined) worker.reservedCount += 1;
    this.#countIn(attempt);
    return attempt;
  }

  /** A reservation that was written: it has its generation now. */
  settle(attempt: Attempt, generation: number, state: AttemptState): void {
    this.#reserved.delete(attempt.workloadId);
    this.#unreserve(attempt);
    attempt.generation = generation;
    attempt.state = state;
    this.#attempts.set(keyOf(attempt.workloadId, generation), attempt);
  }

  /** An attempt that was made before this object's memory began. */
  recall(held: Omit<Attempt, "state" | "reservedAt" | "resources">, now: number): Attempt {
    const worker = this.expect(held.workerId, now);
    const attempt: Attempt = { ...held, resources: {}, state: "unconfirmed", reservedAt: this.tick() };
    this.#attempts.set(keyOf(attempt.workloadId, attempt.generation), attempt);
    worker.attempts.add(attempt);
    worker.unknown.delete(keyOf(attempt.workloadId, attempt.generation));
    this.#occupy(worker, attempt, 1);
    this.#countIn(attempt);
    return attempt;
  }

  /** What a worker says it holds; what is unknown here is asked for, and takes its slots meanwhile. */
  listed(worker: Worker, held: readonly Held[]): void {
    const unknown = held.filter((one) => this.find(one) === undefined);
    worker.unknown = new Set(unknown.map(({ workload_id, generation }) => keyOf(workload_id, generation)));
  }

  /** The end of an attempt was written: known or not, its worker does not hold it any more. */
  ended(workerId: WorkerId, { workload_id, generation }: Pick<Held, "workload_id" | "generation">): void {
    this.workers.get(workerId)?.unknown.delete(keyOf(workload_id, generation));
  }

  /** The slot is free; the attempt stays known until its end is written. */
  end(attempt: Attempt): void {
    if (!occupies(attempt)) return;
    this.#vacate(attempt);
    attempt.state = "ended";
  }

  /** The slot is free and nothing remains to be known. */
  free(attempt: Attempt): void {
    if (occupies(attempt)) this.#vacate(attempt);
    if (attempt.state === "reserved" && this.#reserved.get(attempt.workloadId) === attempt) this.#unreserve(attempt);
    this.workers.get(attempt.workerId)?.attempts.delete(attempt);
    this.#countOut(attempt);
    this.#forgetLeft(attempt);
    if (this.#reserved.get(attempt.workloadId) === attempt) this.#reserved.delete(attempt.workloadId);
    const key = keyOf(attempt.workloadId, attempt.generation);
    if (this.#attempts.get(key) === attempt) this.#attempts.delete(key);
  }

  #unreserve({ workerId }: Attempt): void {
    const worker = this.workers.get(workerId);
    if (worker !== undefined) worker.reservedCount -= 1;
  }

  #countIn(attempt: Attempt): void {
    const { customerId } = attempt;
    this.#heldBy.set(customerId, this.heldBy(customerId) + 1);
    const own = this.#byCustomer.get(customerId) ?? new Set();
    this.#byCustomer.set(customerId, own.add(attempt));
  }

  #countOut(attempt: Attempt): void {
    const own = this.#byCustomer.get(attempt.customerId);
    own?.delete(attempt);
    if (own?.size === 0) this.#byCustomer.delete(attempt.customerId);
  }

  #forgetLeft(attempt: Attempt): void {
    const left = this.#left.get(attempt.workerId);
    left?.delete(attempt);
    if (left?.size === 0) this.#left.delete(attempt.workerId);
  }

  #vacate(attempt: Attempt): void {
    const worker = this.workers.get(attempt.workerId);
    if (worker !== undefined) this.#occupy(worker, attempt, -1);
    const held = this.heldBy(attempt.customerId) - 1;
    if (held > 0) this.#heldBy.set(attempt.customerId, held);
    else this.#heldBy.delete(attempt.customerId);
  }

  #occupy({ candidate }: Worker, { customerId, workloadType, resources }: Attempt, by: 1 | -1): void {
    candidate.used += by;
    const type = ownType(customerId, workloadType);
    const running = (candidate.running.get(type) ?? 0) + by;
    if (running === 0) candidate.running.delete(type);
    else candidate.running.set(type, running);
    candidate.resourcesUsed.cpu_cores += by * (resources.cpu_cores ?? 0);
    candidate.resourcesUsed.memory_mb += by * (resources.memory_mb ?? 0);
    candidate.resourcesUsed.disk_mb += by * (resources.disk_mb ?? 0);
  }

  #newWorker(workerId: WorkerId, now: number): Worker {
    const attempts = this.#left.get(workerId) ?? new Set<Attempt>();
    const worker: Worker = {
      workerId,
      registration: null,
      candidate: unknownCandidate(workerId),
      draining: false,
      suspect: false,
      lastSeenAt: now,
      missed: false,
      attempts,
      unknown: new Set(),
      reservedCount: Array.from(attempts).filter(({ state }) => state === "reserved").length,
    };
    this.#left.delete(workerId);
    for (const attempt of worker.attempts) if (occupies(attempt)) this.#occupy(worker, attempt, 1);
    this.workers.set(workerId, worker);
    return worker;
  }
}
