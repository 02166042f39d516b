/** A pool's memory without a broker or an alarm: nothing moves on but by the test's own calls. */
import type { BrokerAnswer, ConnectBroker } from "../../../functions/broker/broker.ts";
import { ActiveCustomers } from "../../../functions/scheduler/active-customers.ts";
import { BrokerLink } from "../../../functions/scheduler/broker-link.ts";
import { Ledger } from "../../../functions/scheduler/ledger.ts";
import type { Pool } from "../../../functions/scheduler/pool.ts";
import { Tenants } from "../../../functions/scheduler/tenants.ts";
import { WorkerRows } from "../../../functions/scheduler/worker-rows.ts";
import { createMemoryStore } from "../../../functions/store/memory/memory-store.ts";
import { createLog } from "../../../functions/telemetry/log.ts";
import { Metrics } from "../../../functions/telemetry/metrics.ts";
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
}

const nowhere: World = { now: () => t0, answer: null };

/** A broker on which everybody answers by `answer`. */
const brokerOf =
  ({ answer }: World): ConnectBroker =>
  async () => {
    if (answer === null) return unreachable();
    return {
      connected: () => true,
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
  const store = createMemoryStore();
  const background = (work: Promise<unknown>) =>
    void work.catch((error: unknown) => log.error({ err: error }, "failed"));
  const ledger = new Ledger();
  const { now } = world;
  return {
    deps: {
      name,
      store,
      coordinator: unreachable,
      connect,
      terms: { leaseMs: 15_000, heartbeatMs: 5_000, assignmentTimeoutMs: 10_000 },
      now,
      log,
      wakeBy: () => undefined,
      background,
    },
    ledger,
    tenants: new Tenants(),
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
