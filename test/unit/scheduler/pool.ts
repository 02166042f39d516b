/** A pool's memory without a broker or an alarm: nothing moves on but by the test's own calls. */
import type { BrokerAnswer, ConnectBroker } from "../../../functions/broker/broker.ts";
import { ActiveCustomers } from "../../../functions/scheduler/active-customers.ts";
import { BrokerLink } from "../../../functions/scheduler/broker-link.ts";
import { Ledger } from "../../../functions/scheduler/ledger.ts";
import type { CoordinatorLink, Pool } from "../../../functions/scheduler/pool.ts";
import { Roll } from "../../../functions/scheduler/roll.ts";
import { Strangers } from "../../../functions/scheduler/strangers.ts";
import { Tenants } from "../../../functions/scheduler/tenants.ts";
import { WorkerOrders } from "../../../functions/scheduler/worker-orders.ts";
import { WorkerRows } from "../../../functions/scheduler/worker-rows.ts";
import { createMemoryStore } from "../../../functions/store/memory/memory-store.ts";
import type { PoolStore } from "../../../functions/store/store.ts";
import { createLog } from "../../../functions/telemetry/log.ts";
import { Metrics } from "../../../functions/telemetry/metrics.ts";
import type { CustomerId } from "../../../schema/ids.ts";
import type { Registration } from "../../../schema/messages/to-coordinator.ts";
import type { ToWorker } from "../../../schema/messages/to-worker.ts";
import { t0 } from "../../support/records.ts";
import { workerId } from "../domain/pool-builder.ts";

const unreachable = () => {
  throw new Error("nobody is there");
};

export interface World {
  readonly now: () => number;
  /** What workers answer; without it there is no broker. */
  readonly answer: ((message: ToWorker) => BrokerAnswer) | null;
  /** Whether the broker answers when it is asked itself. */
  readonly hears: () => boolean;
  readonly coordinator: (customerId: CustomerId) => CoordinatorLink;
  /** Which customers exist. */
  readonly known: PoolStore["known"];
}

const nowhere: World = {
  now: () => t0,
  answer: null,
  hears: () => true,
  coordinator: unreachable,
  known: async () => [],
};

/** A broker on which everybody answers by `answer`. */
const brokerOf =
  (world: World): ConnectBroker =>
  async () => {
    const { answer } = world;
    if (answer === null) return unreachable();
    return {
      connected: () => true,
      closed: () => false,
      connectedWithin: async () => true,
      answers: async () => world.hears(),
      request: async (_subject, message) => answer(message),
      broadcast: () => undefined,
      close: async () => undefined,
    };
  };

export function stillPool(chosen: Partial<World> = {}): Pool {
  const world = { ...nowhere, ...chosen };
  const connect = brokerOf(world);
  const name = "default";
  const log = createLog({ level: "silent", clock: () => t0, write: () => undefined });
  const store = { ...createMemoryStore(), known: world.known };
  const background = (work: Promise<unknown>) =>
    void work.catch((error: unknown) => log.error({ err: error }, "failed"));
  const ledger = new Ledger();
  const { now } = world;
  return {
    deps: {
      name,
      store,
      coordinator: world.coordinator,
      connect,
      terms: { leaseMs: 15_000, heartbeatMs: 5_000, assignmentTimeoutMs: 10_000 },
      now,
      log,
      wakeBy: () => undefined,
      background,
    },
    ledger,
    tenants: new Tenants(),
    strangers: new Strangers({ store, log, background }),
    active: new ActiveCustomers({ exec: () => ({ toArray: () => [] }) }),
    link: new BrokerLink({
      pool: name,
      connect,
      log,
      take: unreachable,
      unreadable: () => undefined,
      connected: () => undefined,
    }),
    rows: new WorkerRows({ pool: name, store, now, log, registration: () => null, background, giveUp: unreachable }),
    orders: new WorkerOrders({ exec: () => ({ toArray: () => [] }) }),
    roll: new Roll(now),
    metrics: new Metrics(name),
    advance: () => undefined,
  };
}

/** What a healthy worker that can run `noop` says of itself. */
export const registrationOf = (number: number, slots: number): Registration => ({
  worker_id: workerId(number),
  pool: "default",
  capabilities: ["noop"],
  slots,
  tags: {},
  version: "test",
  draining: false,
  held: [],
});
