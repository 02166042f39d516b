/** A pool's memory without a broker or an alarm: nothing moves on but by the test's own calls. */
import { ActiveCustomers } from "../../../functions/scheduler/active-customers.ts";
import { BrokerLink } from "../../../functions/scheduler/broker-link.ts";
import { Ledger } from "../../../functions/scheduler/ledger.ts";
import type { Pool } from "../../../functions/scheduler/pool.ts";
import { Tenants } from "../../../functions/scheduler/tenants.ts";
import { WorkerRows } from "../../../functions/scheduler/worker-rows.ts";
import { createMemoryStore } from "../../../functions/store/memory/memory-store.ts";
import { createLog } from "../../../functions/telemetry/log.ts";
import { Metrics } from "../../../functions/telemetry/metrics.ts";
import { t0 } from "../../support/records.ts";

const unreachable = () => {
  throw new Error("nobody is there");
};

export function stillPool(): Pool {
  const name = "default";
  const log = createLog({ level: "silent", clock: () => t0, write: () => undefined });
  const store = createMemoryStore();
  const background = (work: Promise<unknown>) =>
    void work.catch((error: unknown) => log.error({ err: error }, "failed"));
  const ledger = new Ledger();
  const now = () => t0;
  return {
    deps: {
      name,
      store,
      coordinator: unreachable,
      connect: unreachable,
      terms: { leaseMs: 15_000, heartbeatMs: 5_000, assignmentTimeoutMs: 10_000 },
      now,
      log,
      wakeBy: () => undefined,
      background,
    },
    ledger,
    tenants: new Tenants(),
    active: new ActiveCustomers({ exec: () => ({ toArray: () => [] }) }),
    link: new BrokerLink({ pool: name, connect: unreachable, log, take: unreachable, unreadable: () => undefined }),
    rows: new WorkerRows({ pool: name, store, now, log, registration: () => null, background, giveUp: unreachable }),
    metrics: new Metrics(name),
    advance: () => undefined,
  };
}
