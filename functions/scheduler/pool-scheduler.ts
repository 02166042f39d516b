/** The Durable Object of one pool. It only holds the parts together; each duty has its file. */
import { DurableObject } from "cloudflare:workers";
import type { WorkerId } from "../../schema/ids.ts";
import { Alarm } from "../alarm.ts";
import type { Placement, PlaceRequest, Update } from "../domain/demand.ts";
import type { Outlook, OutlookRequest } from "../domain/explain.ts";
import type { FleetPage, FleetQuery } from "../domain/fleet-page.ts";
import type { WorkerRecord } from "../store/store.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { type ActiveCustomer, ActiveCustomers } from "./active-customers.ts";
import { applyUpdate } from "./apply-update.ts";
import { BrokerLink } from "./broker-link.ts";
import { outlook } from "./explain.ts";
import { drainWorker, fleetPage, removeWorker } from "./fleet.ts";
import { gaugesOf } from "./gauges.ts";
import { checkLeases, renewLeases } from "./health.ts";
import { take } from "./intake.ts";
import { KeptMetrics } from "./kept-metrics.ts";
import { Ledger } from "./ledger.ts";
import { placeNow, placeWaiting } from "./place.ts";
import type { Pool, PoolDeps } from "./pool.ts";
import { pump } from "./pump.ts";
import { forgetIdle, isAtRest, nextLookAt, reviewReservations } from "./rest.ts";
import { Roll } from "./roll.ts";
import { Strangers } from "./strangers.ts";
import { askAgain, Tenants } from "./tenants.ts";
import { WorkerOrders } from "./worker-orders.ts";
import { WorkerRows } from "./worker-rows.ts";

/** Without work for so long, the socket is closed: idle agents need none, and an object without one costs nothing. */
const idleCloseMs = 60_000;
const reconnectMs = 1_000;
const ticksAtOnce = 50;

/** Builds the world around one object; `wakeBy` sets its alarm. */
export type ComposePool<Bindings> = (
  ctx: DurableObjectState,
  bindings: Bindings,
  wakeBy: (at: number) => void,
) => PoolDeps;

export const poolScheduler = <Bindings>(compose: ComposePool<Bindings>) =>
  class PoolScheduler extends DurableObject<Bindings> {
    readonly #alarm: Alarm;
    readonly #pool: Pool;
    readonly #kept: KeptMetrics;
    #begun: Promise<void> | null = null;
    #restingSince: number | null = null;
    #lastLook = 0;

    constructor(ctx: DurableObjectState, bindings: Bindings) {
      super(ctx, bindings);
      this.#alarm = new Alarm(ctx);
      this.#pool = createPool(
        ctx,
        compose(ctx, bindings, (at) => this.#alarm.by(at)),
      );
      this.#kept = new KeptMetrics(ctx.storage.sql, this.#pool.deps.now());
      this.#kept.restore(this.#pool.metrics);
    }

    /** Slots for workloads that are about to be written. */
    async place(request: PlaceRequest): Promise<readonly Placement[]> {
      this.#pool.deps.background(this.#begin());
      return placeNow(this.#pool, request);
    }

    /** What a coordinator says after a commit. */
    async update(update: Update): Promise<void> {
      this.#pool.deps.background(this.#begin());
      applyUpdate(this.#pool, update);
      this.#pool.advance();
    }

    /** An agent found nobody listening: connects, and calls the roll. */
    async wake(): Promise<void> {
      await this.#begin();
      this.#pool.link.callRoll();
      this.#lookAgain();
    }

    /** What keeps a workload from starting now. Null: without the broker that cannot be said. */
    async explain(request: OutlookRequest): Promise<Outlook | null> {
      await this.#begin();
      return outlook(this.#pool, request);
    }

    /** Who is there; a memory that has just begun asks first. */
    async fleet(query: FleetQuery): Promise<FleetPage> {
      await this.#begin();
      await this.#pool.roll.until(() => false);
      return fleetPage(this.#pool, query);
    }

    /** False: there is no such worker now. */
    async drain(workerId: WorkerId): Promise<boolean> {
      await this.#begin();
      await this.#pool.roll.until(() => this.#pool.ledger.isRegistered(workerId));
      return drainWorker(this.#pool, workerId);
    }

    async remove(worker: WorkerRecord): Promise<void> {
      await this.#begin();
      removeWorker(this.#pool, worker);
      this.#lookAgain();
    }

    async isRemoved(workerId: WorkerId): Promise<boolean> {
      return this.#pool.orders.isRemoved(workerId);
    }

    async health(): Promise<{ broker: boolean; leader: boolean }> {
      return { broker: await this.#pool.link.answers(), leader: true };
    }

    metricsText(): Promise<string> {
      return this.#pool.metrics.text(gaugesOf(this.#pool, this.#kept.fleetBefore));
    }

    /** From the cron: nothing at all when nothing is active, else what an alarm may have missed. */
    async tick(): Promise<void> {
      const { active, deps } = this.#pool;
      const now = deps.now();
      const due = active.all().filter(({ wakeAt }) => wakeAt === null || wakeAt <= now);
      if (due.length === 0 && !active.isNew && isAtRest(this.#pool)) return;
      await this.#begin();
      await recover(this.#pool);
      await tickAll(this.#pool, due);
      this.#pool.advance();
      this.#pool.link.callRoll();
      this.#lookAgain();
    }

    override async alarm(): Promise<void> {
      const plannedAt = this.#alarm.fired();
      try {
        // This object was held up: what its workers said meanwhile waits behind this alarm.
        if (this.#isLate(plannedAt)) renewLeases(this.#pool);
        await this.#look();
      } catch (error) {
        this.#pool.deps.log.error({ err: error }, "a look at the pool failed");
      } finally {
        this.#lookAgain();
      }
    }

    #isLate(plannedAt: number | null): boolean {
      const { now, terms } = this.#pool.deps;
      return plannedAt !== null && now() - plannedAt > terms.heartbeatMs;
    }

    async #look(): Promise<void> {
      await this.#begin();
      await checkLeases(this.#pool);
      reviewReservations(this.#pool, this.#lastLook);
      this.#lastLook = this.#pool.ledger.tick();
      forgetIdle(this.#pool);
      this.#pool.advance();
      await this.#sleepWhenIdle();
      await this.#kept.keep(this.#pool);
    }

    async #sleepWhenIdle(): Promise<void> {
      const now = this.#pool.deps.now();
      this.#restingSince = isAtRest(this.#pool) ? (this.#restingSince ?? now) : null;
      if (this.#restingSince === null || now - this.#restingSince < idleCloseMs) return;
      await this.#pool.link.close();
      this.#begun = null;
    }

    /** While there is work, or the socket still stands, the alarm comes again. */
    #lookAgain(): void {
      const at = nextLookAt(this.#pool);
      if (at !== null) this.#alarm.by(at);
      else if (this.#begun !== null) this.#alarm.by(this.#pool.deps.now() + idleCloseMs);
    }

    /** Connects and learns who has work; nobody waits for it who has something to lose by waiting. */
    #begin(): Promise<void> {
      this.#begun ??= this.#wakeUp();
      return this.#begun;
    }

    #beginAgain(): void {
      this.#begun = null;
      this.#alarm.by(this.#pool.deps.now() + reconnectMs);
    }

    async #wakeUp(): Promise<void> {
      const { active, tenants, deps, link } = this.#pool;
      this.#alarm.by(deps.now() + deps.terms.heartbeatMs);
      const connected = link.ensure();
      await recover(this.#pool);
      const now = deps.now();
      for (const { customerId, wakeAt } of active.all()) if (wakeAt === null || wakeAt <= now) tenants.get(customerId);
      this.#pool.advance();
      if (await connected) this.#pool.roll.called();
      else this.#beginAgain();
    }
  };

/** Every customer with work is looked after, and asked what it holds; one that does not answer keeps no other waiting. */
async function tickAll({ deps, tenants }: Pool, due: readonly ActiveCustomer[]): Promise<void> {
  for (let from = 0; from < due.length; from += ticksAtOnce) {
    const part = due.slice(from, from + ticksAtOnce);
    const ticks = await Promise.allSettled(part.map(({ customerId }) => deps.coordinator(customerId).tick()));
    for (const tick of ticks) if (tick.status === "rejected") deps.log.warn({ err: tick.reason }, "a tick was missed");
    for (const { customerId } of part) askAgain(tenants.get(customerId));
  }
}

/** Asked of Postgres once in the life of this storage: when it is new, it cannot know who has work. */
async function recover({ active, deps }: Pool): Promise<void> {
  if (!active.isNew) return;
  try {
    for (const customerId of await deps.store.customersWithWork(deps.name)) active.add(customerId, null);
    active.recovered();
  } catch (error) {
    deps.log.warn({ err: error }, "who has work is not known yet");
  }
}

function createPool(ctx: DurableObjectState, deps: PoolDeps): Pool {
  const ledger = new Ledger();
  const metrics = new Metrics(deps.name);
  const pool: Pool = {
    deps,
    ledger,
    metrics,
    tenants: new Tenants(),
    strangers: new Strangers(deps),
    active: new ActiveCustomers(ctx.storage.sql),
    orders: new WorkerOrders(ctx.storage.sql),
    roll: new Roll(deps.now),
    rows: new WorkerRows({
      pool: deps.name,
      store: deps.store,
      now: deps.now,
      log: deps.log,
      background: deps.background,
      registration: (workerId) => ledger.workers.get(workerId)?.registration ?? null,
      giveUp: () => ctx.abort("another scheduler leads this pool"),
    }),
    link: new BrokerLink({
      pool: deps.name,
      connect: deps.connect,
      log: deps.log,
      take: (sender, message) => take(pool, sender, message),
      connected: () => {
        renewLeases(pool);
        pool.roll.called();
      },
      unreadable: () => metrics.record([{ counter: "niyanta_broker_unreadable_total", labels: {}, value: 1 }]),
    }),
    advance: onceATurn(() => {
      placeWaiting(pool);
      for (const tenant of pool.tenants.all.values()) pump(pool, tenant);
    }),
  };
  return pool;
}

/** Asked for many times in one turn of the event loop, done once at its end. */
function onceATurn(work: () => void): () => void {
  let isPlanned = false;
  return () => {
    if (isPlanned) return;
    isPlanned = true;
    queueMicrotask(() => {
      isPlanned = false;
      work();
    });
  };
}
