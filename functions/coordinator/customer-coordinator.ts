/** The Durable Object of one customer: its leader and lock. It only holds the parts together; each duty has its file. */
import { DurableObject } from "cloudflare:workers";
import type { Chunk, ChunkRequest } from "../../schema/messages/to-coordinator.ts";
import { Alarm } from "../alarm.ts";
import type { Exchange, Exchanged, Standing } from "../domain/demand.ts";
import type { Result } from "../domain/refusal.ts";
import { createLane } from "../lane.ts";
import { Admission, rateState } from "./admit.ts";
import { type CancelRequest, cancelWorkload } from "./cancel.ts";
import { type Deliveries, trackDeliveries } from "./deliveries.ts";
import { exchange } from "./exchange.ts";
import type { Answer, SubmitRequest, SubmittedWorkload } from "./gateway.ts";
import { type CoordinatorDeps, Leadership, type Session, written } from "./session.ts";
import { keepTime } from "./timers.ts";
import { standingOf } from "./update.ts";

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
    readonly #lane = createLane();
    readonly #leadership: Leadership;
    readonly #admission: Admission;

    constructor(ctx: DurableObjectState, bindings: Bindings) {
      super(ctx, bindings);
      this.#alarm = new Alarm(ctx.storage);
      const composed = compose(ctx, bindings, (at) => this.#alarm.by(at));
      this.#deliveries = trackDeliveries(composed.pool, (pool, { epoch }) => this.#untold(pool, epoch));
      this.#deps = { ...composed, pool: this.#deliveries.pool };
      this.#leadership = new Leadership(this.#deps, (session) => this.#greet(session));
      this.#admission = new Admission(this.#deps, this.#leadership, this.#lane);
    }

    async submit(request: SubmitRequest): Promise<Answer<readonly SubmittedWorkload[]>> {
      const session = await this.#leadership.within((current) => Promise.resolve(current));
      if (!session.ok) return { ...session, rate: null };
      const result = await this.#admission.submit(session.value, request);
      return { ...result, rate: rateState(session.value, this.#deps.now()) };
    }

    async cancel(request: CancelRequest): Promise<Answer<null>> {
      const result = await this.#locked(async (session) => ({
        cancelled: await cancelWorkload(this.#deps, session, request),
        rate: rateState(session, this.#deps.now()),
      }));
      return result.ok ? { ...result.value.cancelled, rate: result.value.rate } : { ...result, rate: null };
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

    putChunk(chunk: Chunk): Promise<Result<"stored" | "fenced">> {
      return this.#locked(async (session) => written(await this.#deps.store.putChunk(session.lead, chunk)));
    }

    /** Reads only, so it takes no place in the lane. */
    getChunk(request: ChunkRequest): Promise<Result<Uint8Array | "fenced" | "unknown">> {
      return this.#leadership.within(() => this.#deps.store.getChunk(request));
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
      try {
        await this.#locked((session) => keepTime(this.#deps, session));
      } catch (error) {
        this.#deps.log.error({ err: error }, "time was not kept");
      }
    }

    /** In the lane: what is under way there goes on in the session it began in. */
    #untold(pool: string, epoch: number): void {
      this.#deps.background(this.#lane.run(async () => this.#leadership.endUntold(pool, epoch)));
    }

    #locked<T>(work: (session: Session) => Promise<T>): Promise<Result<T>> {
      return this.#lane.run(() => this.#leadership.within(work));
    }

    /** A new epoch: what was due meanwhile is done, and the pools that this customer has work in learn of it. */
    #greet({ book, untold }: Session): void {
      if (book.pools().size + untold.size > 0) this.#alarm.by(this.#deps.now());
    }
  };
