/** The Durable Object of one customer: its leader and lock. It only holds the parts together; each duty has its file. */
import { DurableObject } from "cloudflare:workers";
import type { UsageView } from "../../schema/http/customer.ts";
import type { ExplanationView } from "../../schema/http/explain.ts";
import type { WorkloadId } from "../../schema/ids.ts";
import type { Chunk, ChunkRequest } from "../../schema/messages/to-coordinator.ts";
import type { WorkloadStatus } from "../../schema/status.ts";
import { Alarm } from "../alarm.ts";
import type { Exchange, Exchanged, Standing } from "../domain/demand.ts";
import type { ChangeKind } from "../domain/directory-change.ts";
import type { Result } from "../domain/refusal.ts";
import { createLane } from "../lane.ts";
import type { ChunkOutcome } from "../store/store.ts";
import { Admission, rateState, usageOf } from "./admit.ts";
import { type Deliveries, trackDeliveries } from "./deliveries.ts";
import { direct, type Surroundings } from "./directory.ts";
import { exchange } from "./exchange.ts";
import { explainWorkload } from "./explain.ts";
import type {
  Answer,
  Directed,
  DirectRequest,
  Operated,
  OperateRequest,
  SubmitRequest,
  SubmittedWorkload,
} from "./gateway.ts";
import { LiveUpdates } from "./live.ts";
import { operate } from "./operate.ts";
import { type CoordinatorDeps, Leadership, type Session, written } from "./session.ts";
import { settledStatus } from "./settled.ts";
import { keepTime } from "./timers.ts";
import { standingOf } from "./update.ts";
import { keepAlive, upgrade } from "./upgrade.ts";
import { watchedStore } from "./watched-store.ts";

/** Builds the world around one object; `wakeBy` sets its alarm. */
export type ComposeCoordinator<Bindings> = (
  ctx: DurableObjectState,
  bindings: Bindings,
  wakeBy: (at: number) => void,
) => CoordinatorDeps;

export const customerCoordinator = <Bindings>(compose: ComposeCoordinator<Bindings>) =>
  class CustomerCoordinator extends DurableObject<Bindings> {
    readonly #alarm: Alarm;
    readonly #deps: CoordinatorDeps;
    readonly #deliveries: Deliveries;
    readonly #live: LiveUpdates;
    readonly #lane = createLane();
    readonly #leadership: Leadership;
    readonly #admission: Admission;

    constructor(ctx: DurableObjectState, bindings: Bindings) {
      super(ctx, bindings);
      this.#alarm = new Alarm(ctx);
      const composed = compose(ctx, bindings, (at) => this.#alarm.by(at));
      this.#deliveries = trackDeliveries(composed.pool, (pool, { epoch }) => this.#untold(pool, epoch));
      this.#live = new LiveUpdates(composed, ctx.getWebSockets());
      ctx.setWebSocketAutoResponse(keepAlive());
      this.#deps = {
        ...composed,
        store: watchedStore(composed.store, this.#live),
        pool: this.#deliveries.pool,
      };
      this.#leadership = new Leadership(this.#deps, (session) => this.#greet(session));
      this.#admission = new Admission(this.#deps, this.#leadership, this.#lane);
    }

    async submit(request: SubmitRequest): Promise<Answer<readonly SubmittedWorkload[]>> {
      const session = await this.#leadership.within((current) => Promise.resolve(current));
      if (!session.ok) return { ...session, rate: null };
      const result = await this.#admission.submit(session.value, request);
      return { ...result, rate: rateState(session.value, this.#deps.now()) };
    }

    async operate(request: OperateRequest): Promise<Answer<Operated>> {
      const result = await this.#locked(async (session) => ({
        operated: await operate(this.#deps, session, request, () => this.#admission.waiting),
        rate: rateState(session, this.#deps.now()),
      }));
      return result.ok ? { ...result.value.operated, rate: result.value.rate } : { ...result, rate: null };
    }

    async direct<K extends ChangeKind>(request: DirectRequest<K>): Promise<Answer<Directed<K>>> {
      const result = await this.#locked((session) => direct(this.#deps, session, request, this.#surroundings()));
      return result.ok ? { ...result.value, rate: null } : { ...result, rate: null };
    }

    /** Takes no place in the lane: what is committed is counted already. */
    async usage(): Promise<Answer<UsageView>> {
      const result = await this.#leadership.beside(async (session) => usageOf(session, this.#deps.now()));
      return { ...result, rate: null };
    }

    /** Takes no place in the lane: what it waits for goes through there. */
    async settled(workloadId: WorkloadId, ms: number): Promise<Answer<WorkloadStatus | null>> {
      return { ...(await settledStatus(this.#deps, this.#leadership, workloadId, ms)), rate: null };
    }

    /** Reads only, and waits for its pool: it takes no place in the lane. */
    async explain(workloadId: WorkloadId): Promise<Answer<ExplanationView>> {
      const result = await this.#leadership.beside((session) => explainWorkload(this.#deps, session, workloadId));
      return { ...(result.ok ? result.value : result), rate: null };
    }

    /** From a pool: reports, losses, placements. */
    exchange(incoming: Exchange): Promise<Result<Exchanged>> {
      return this.#locked((session) => exchange(this.#deps, session, incoming));
    }

    /** From a pool that has lost its memory, or met a new epoch; not before it has heard what it was told already. */
    standing(pool: string): Promise<Result<Standing>> {
      return this.#locked(async (session) => {
        await this.#deliveries.arrived(pool);
        return standingOf(session, pool);
      });
    }

    putChunk(chunk: Chunk): Promise<Result<ChunkOutcome>> {
      return this.#locked(async (session) => written(await this.#deps.store.putChunk(session.lead, chunk)));
    }

    /** Reads only, so it takes no place in the lane. */
    getChunk(request: ChunkRequest): Promise<Result<Uint8Array | "fenced" | "unknown">> {
      return this.#leadership.beside(() => this.#deps.store.getChunk(request));
    }

    /** For who watches; needs no session, so it takes no epoch. */
    override fetch(request: Request): Promise<Response> {
      return upgrade(this.ctx, this.#live, request);
    }

    override webSocketMessage(socket: WebSocket): void {
      this.#live.hear(socket);
    }

    override webSocketClose(socket: WebSocket): void {
      this.#live.left(socket);
    }

    override webSocketError(socket: WebSocket): void {
      this.#live.left(socket);
    }

    /** From the cron tick: does what an alarm may have missed. */
    tick(): Promise<void> {
      return this.#keepTime();
    }

    override alarm(): Promise<void> {
      this.#alarm.fired();
      return this.#keepTime();
    }

    /** Never throws; where it fails the session ends, and with that the alarm is set again. */
    async #keepTime(): Promise<void> {
      this.#live.keepTime();
      try {
        await this.#locked((session) => keepTime(this.#deps, session));
      } catch (error) {
        this.#deps.log.error({ err: error }, "time was not kept");
      }
    }

    #surroundings(): Surroundings {
      return {
        isEntering: (workloadType) => this.#admission.isWaiting(workloadType),
        endWatching: (keyId, at) => this.#live.endKey(keyId, at),
        endAllWatching: () => this.#live.endAll(),
      };
    }

    /** In the lane: what is under way there goes on in the session it began in. */
    #untold(pool: string, epoch: number): void {
      this.#deps.background(this.#lane.run(async () => this.#leadership.endUntold(pool, epoch)));
    }

    #locked<T>(work: (session: Session) => Promise<T>): Promise<Result<T>> {
      return this.#lane.run(() => this.#leadership.within(work));
    }

    /** A new epoch: what was due meanwhile is done, and the pools that this customer has work in learn of it. */
    #greet(session: Session): void {
      this.#admission.takeOver(session);
      const { book, untold } = session;
      if (book.pools().size + untold.size > 0) this.#alarm.by(this.#deps.now());
    }
  };
