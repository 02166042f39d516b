/** A customer's coordinator around a memory store: what its Durable Object holds together, with a clock set by hand. */
import { Admission } from "../../../functions/coordinator/admit.ts";
import { trackDeliveries } from "../../../functions/coordinator/deliveries.ts";
import { direct } from "../../../functions/coordinator/directory.ts";
import { exchange } from "../../../functions/coordinator/exchange.ts";
import { explainWorkload } from "../../../functions/coordinator/explain.ts";
import type {
  Action,
  DirectRequest,
  Operated,
  OperateRequest,
  SubmitRequest,
} from "../../../functions/coordinator/gateway.ts";
import { operate } from "../../../functions/coordinator/operate.ts";
import type { SubmitResult } from "../../../functions/coordinator/persist.ts";
import {
  type CoordinatorDeps,
  Leadership,
  type PoolLink,
  type Session,
} from "../../../functions/coordinator/session.ts";
import { settledStatus } from "../../../functions/coordinator/settled.ts";
import { keepTime } from "../../../functions/coordinator/timers.ts";
import type { Exchange, Exchanged, Placement, PlaceRequest, Update } from "../../../functions/domain/demand.ts";
import type { ChangeKind, DirectoryChanges, DirectoryReplies } from "../../../functions/domain/directory-change.ts";
import type { Result } from "../../../functions/domain/refusal.ts";
import type { Policy, Workload } from "../../../functions/domain/workload.ts";
import { createLane } from "../../../functions/lane.ts";
import { createMemoryStore, type MemoryStore } from "../../../functions/store/memory/memory-store.ts";
import { type Lead, type StateStore, StoreUnavailable } from "../../../functions/store/store.ts";
import { createLog } from "../../../functions/telemetry/log.ts";
import { type SubmitBody, submitBodySchema } from "../../../schema/http/submit.ts";
import type { CustomerId, WorkerId, WorkloadId } from "../../../schema/ids.ts";
import type { ChunkRequest } from "../../../schema/messages/to-coordinator.ts";
import type { WorkerEvent } from "../../../schema/messages/worker-events.ts";
import { type TierLimits, tierLimits } from "../../../schema/tiers.ts";
import { wholeTrail } from "../../support/pages.ts";
import { ids, newWorkload, t0 } from "../../support/records.ts";

/** A pool with so many free slots on one worker; it keeps what it was told. */
export class RecordingPool implements PoolLink {
  readonly workerId: WorkerId = ids.worker();
  readonly updates: Update[] = [];
  readonly asked: PlaceRequest[] = [];
  free = 0;
  down = false;
  /** Gives slots, and hears nothing of what comes after. */
  deaf = false;

  async place(request: PlaceRequest): Promise<readonly Placement[]> {
    if (this.down) throw new Error("the pool is away");
    this.asked.push(request);
    const placed = request.items.slice(0, this.free).map(({ workloadId }) => ({ workloadId, workerId: this.workerId }));
    this.free -= placed.length;
    return placed;
  }

  async explain(): Promise<null> {
    return null;
  }

  async update(update: Update): Promise<void> {
    if (this.deaf) throw new Error("the pool is away");
    this.updates.push(update);
  }

  get last(): Update {
    const update = this.updates.at(-1);
    if (update === undefined) throw new Error("the pool was told nothing");
    return update;
  }

  get dispatched(): WorkloadId[] {
    return this.updates.flatMap(({ dispatch }) => dispatch.map(({ assignment }) => assignment.workload_id));
  }
}

/** `lost`: it is written, and the answer never comes; `strange`: an error that nobody expects. */
type Weather = "fine" | "away" | "lost" | "strange";

export class World {
  now = t0;
  random = 0.5;
  weather: Weather = "fine";
  /** What the database does with a statement that only reads. */
  reads: Weather = "fine";
  readonly customerId: CustomerId = ids.customer();
  readonly pool = new RecordingPool();
  /** The pool `other`. */
  readonly other = new RecordingPool();
  readonly wakes: number[] = [];
  /** The keys with which nothing may be watched any more, in how many milliseconds; `all`: nobody may. */
  readonly ended: string[] = [];
  /** Groups of each insert, and changes of each apply, that reached the store. */
  readonly inserts: number[] = [];
  readonly applies: number[] = [];
  readonly memory: MemoryStore = createMemoryStore();
  readonly deps: CoordinatorDeps;
  readonly #lane = createLane();
  readonly #leadership: Leadership;
  readonly #admission: Admission;
  readonly #background: Promise<unknown>[] = [];

  constructor(limits: Partial<TierLimits> = {}, policy: Partial<Policy> = {}) {
    this.memory.putCustomer(this.customer(limits, policy));
    const poolOf = (name: string) => (name === "other" ? this.other : this.pool);
    const deliveries = trackDeliveries(poolOf, (pool, { epoch }) => {
      this.deps.background(this.#lane.run(async () => this.#leadership.endUntold(pool, epoch)));
    });
    this.deps = {
      customerId: this.customerId,
      store: this.#weathered(this.memory),
      poolNames: ["default", "other"],
      pool: deliveries.pool,
      ids,
      now: () => this.now,
      random: () => this.random,
      log: createLog({ level: "silent", clock: () => this.now, write: () => undefined }),
      wakeBy: (at) => void this.wakes.push(at),
      background: (work) => void this.#background.push(Promise.allSettled([work])),
    };
    this.#leadership = new Leadership(this.deps, (session) => this.#admission.takeOver(session));
    this.#admission = new Admission(this.deps, this.#leadership, this.#lane);
  }

  customer(
    limits: Partial<TierLimits> = {},
    policy: Partial<Policy> = {},
    suspended = false,
    types: readonly string[] = ["noop", "sleep"],
  ) {
    const type = { config: {}, resources: {}, policy: { ...newWorkload().policy, ...policy } };
    return {
      customerId: this.customerId,
      tier: "standard" as const,
      limits: { ...tierLimits.standard, submitsPerSecond: null, ...limits },
      suspended,
      types: new Map(types.map((workloadType) => [workloadType, { ...type, workloadType }])),
    };
  }

  async session(): Promise<Session> {
    const session = await this.#leadership.session();
    if (session === null) throw new Error("the customer is gone");
    return session;
  }

  async submit(bodies: readonly Partial<SubmitBody>[], key?: string, bodySha256 = "a"): Promise<SubmitResult> {
    const request: SubmitRequest = {
      bodies: bodies.map((body) => ({ ...submitBodySchema.parse({ workload_type: "noop" }), ...body })),
      idempotency: key === undefined ? null : { key, bodySha256 },
      actor: { type: "user", id: "test" },
      traceparent: null,
    };
    const session = await this.#leadership.within((current) => Promise.resolve(current));
    return session.ok ? this.#admission.submit(session.value, request) : session;
  }

  async submitOne(body: Partial<SubmitBody> = {}): Promise<WorkloadId> {
    const [id] = await this.submitAll(1, body);
    if (id === undefined) throw new Error("nothing was submitted");
    return id;
  }

  async submitAll(count: number, body: Partial<SubmitBody> = {}): Promise<WorkloadId[]> {
    const result = await this.submit(Array.from({ length: count }, () => body));
    if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.refusal)}`);
    return result.value.map(({ workloadId }) => workloadId);
  }

  /** Submits into as many free slots. */
  submitPlaced(count: number): Promise<WorkloadId[]> {
    this.pool.free = count;
    return this.submitAll(count);
  }

  exchange(incoming: Partial<Exchange>): Promise<Result<Exchanged>> {
    const whole = { pool: "default", reports: [], losses: [], placements: [], ...incoming };
    return this.#locked((session) => exchange(this.deps, session, whole));
  }

  /** All in one exchange; answers the outcomes. */
  async report(...events: readonly WorkerEvent[]): Promise<string[]> {
    const result = await this.exchange({ reports: events.map((event) => ({ workerId: this.pool.workerId, event })) });
    if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.refusal)}`);
    return result.value.outcomes.map(({ outcome }) => outcome);
  }

  async operate(request: Partial<OperateRequest> & Pick<OperateRequest, "targets">): Promise<Result<Operated>> {
    const actor = { type: "user" as const, id: "test" };
    const whole: OperateRequest = { action: { kind: "cancel", reason: null }, actor, idempotency: null, ...request };
    const waiting = () => this.#admission.waiting;
    const result = await this.#locked((session) => operate(this.deps, session, whole, waiting));
    return result.ok ? result.value : result;
  }

  /** Answers the outcome of each, or what refused it. */
  async act(action: Action, ...ids: readonly WorkloadId[]): Promise<string[]> {
    const result = await this.operate({ action, targets: { ids } });
    if (!result.ok) return [result.refusal.kind];
    return result.value.operations.map((one) => (one.outcome === "refused" ? one.refusal.kind : one.outcome));
  }

  cancel(workloadId: WorkloadId): Promise<string[]> {
    return this.act({ kind: "cancel", reason: null }, workloadId);
  }

  /** As after the loss of the object: the next leader reads everything anew. */
  async forget(): Promise<void> {
    await this.#locked(() => Promise.reject(new StoreUnavailable("the object is gone")));
  }

  statusWhenFreed(id: WorkloadId, ms: number) {
    return settledStatus(this.deps, this.#leadership, id, ms);
  }

  async direct<K extends ChangeKind>(
    kind: K,
    what: DirectoryChanges[K],
    chosen: Partial<DirectRequest<K>> = {},
  ): Promise<Result<DirectoryReplies[K]>> {
    const actor = { type: "user" as const, id: "test" };
    const request = { change: { kind, what }, actor, byOperator: false, idempotency: null, ...chosen };
    const surroundings = {
      isEntering: (workloadType: string) => this.#admission.isWaiting(workloadType),
      endWatching: (keyId: string, at: number) => void this.ended.push(`${keyId} ${at - this.now}`),
      endAllWatching: () => void this.ended.push("all"),
    };
    const result = await this.#locked((session) => direct(this.deps, session, request, surroundings));
    const directed = result.ok ? result.value : result;
    return directed.ok ? { ok: true, value: directed.value.reply } : directed;
  }

  explain(id: WorkloadId) {
    return this.#leadership.beside((session) => explainWorkload(this.deps, session, id));
  }

  getChunk(request: ChunkRequest) {
    return this.#leadership.beside(() => this.deps.store.getChunk(request));
  }

  keepTime(): Promise<Result<void>> {
    return this.#locked((session) => keepTime(this.deps, session));
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    while (this.#background.length > 0) await Promise.all(this.#background.splice(0));
  }

  async row(id: WorkloadId): Promise<Workload> {
    const [workload] = await this.memory.find(this.customerId, [id]);
    if (workload === undefined) throw new Error(`${id} is not there`);
    return workload;
  }

  async rows(): Promise<Workload[]> {
    const page = await this.memory.list(this.customerId, { order_by: "created_at", limit: 1_000 });
    if (page === "bad_cursor") throw new Error("no cursor was given");
    const found = page.items.map(({ workload_id }) => workload_id);
    return [...(await this.memory.find(this.customerId, found))];
  }

  async events(id: WorkloadId): Promise<string[]> {
    const events = (await wholeTrail(this.memory, this.customerId, id)) ?? [];
    return events.map(({ event_type }) => event_type.replace("workload.", ""));
  }

  #locked<T>(work: (session: Session) => Promise<T>): Promise<Result<T>> {
    return this.#lane.run(() => this.#leadership.within(work));
  }

  #weathered(store: StateStore): StateStore {
    const through = async <T>(write: () => Promise<T>): Promise<T> => {
      if (this.weather === "strange") throw new Error("nobody expects this");
      if (this.weather === "away") throw new StoreUnavailable("the database is away");
      const written = await write();
      if (this.weather === "lost") throw new StoreUnavailable("the answer was lost");
      return written;
    };
    const read = async <T>(ask: () => Promise<T>): Promise<T> => {
      if (this.reads !== "fine") throw new StoreUnavailable("the database does not answer what is read");
      return ask();
    };
    return {
      ...store,
      find: (...asked) => read(() => store.find(...asked)),
      getChunk: (request) => read(() => store.getChunk(request)),
      submittedUnder: (...asked) => read(() => store.submittedUnder(...asked)),
      insert: (lead: Lead, groups, now) => {
        this.inserts.push(groups.length);
        return through(() => store.insert(lead, groups, now));
      },
      putType: (lead: Lead, ...asked) => through(() => store.putType(lead, ...asked)),
      deleteType: (lead: Lead, type) => through(() => store.deleteType(lead, type)),
      issueKey: (lead: Lead, ...asked) => through(() => store.issueKey(lead, ...asked)),
      apply: (lead: Lead, changes, logs, now, remember) => {
        this.applies.push(changes.length);
        return through(() => store.apply(lead, changes, logs, now, remember));
      },
    };
  }
}

let eventIds = 0;
type Told<Event> = Event extends WorkerEvent ? Omit<Event, "event_id" | "workload_id" | "generation"> : never;

/** What a worker says of the workload's `generation`. */
export function eventOf(workload_id: WorkloadId, told: Told<WorkerEvent>, generation = 1): WorkerEvent {
  eventIds += 1;
  return { ...told, event_id: eventIds, workload_id, generation };
}
