/** What /metrics says after the object's memory has ended: kept in SQLite, written seldom. */
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Sql } from "../../../functions/scheduler/active-customers.ts";
import { gaugesOf } from "../../../functions/scheduler/gauges.ts";
import { checkLeases, leave, register } from "../../../functions/scheduler/health.ts";
import { KeptMetrics, keepEveryMs, seriesKeptMax } from "../../../functions/scheduler/kept-metrics.ts";
import { t0 } from "../../support/records.ts";
import { customerId, item, workerId } from "../domain/pool-builder.ts";
import { stillPool } from "./pool.ts";

const registration = (n: number) => ({
  worker_id: workerId(n),
  pool: "default",
  capabilities: ["noop"],
  slots: 4,
  tags: {},
  version: "test",
  draining: false,
  held: [],
});

let storage: DatabaseSync;
let writes: number;
let now: number;
beforeEach(() => {
  storage = new DatabaseSync(":memory:");
  [writes, now] = [0, t0];
});
afterEach(() => storage.close());

/** The SQLite of an object; it outlives the object's memory. */
const sql: Sql = {
  exec(query, ...bindings) {
    if (query.startsWith("INSERT")) writes += 1;
    const values = bindings.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
    const rows = storage.prepare(query).all(...values);
    return { toArray: () => rows as never[] };
  },
};

/** A memory of the object, as its constructor makes it. */
function begin() {
  const pool = stillPool({ now: () => now, answer: () => ({ type: "ok", payload: {} }) });
  const kept = new KeptMetrics(sql, now);
  kept.restore(pool.metrics);
  const text = () => pool.metrics.text(gaugesOf(pool, kept.fleetBefore));
  const fenced = (value: number) =>
    pool.metrics.record([{ counter: "niyanta_fenced_writes_total", labels: {}, value }]);
  return { pool, kept, text, fenced };
}

describe("the metrics of a pool", () => {
  it("begin with every status and every sum without labels at zero", async () => {
    const text = await begin().text();
    for (const status of ["HEALTHY", "DRAINING", "DEAD"])
      expect(text).toContain(`niyanta_worker_pool_size{pool="default",status="${status}"} 0`);
    expect(text).toContain('niyanta_fenced_writes_total{pool="default"} 0');
    expect(text).toContain('niyanta_broker_unreadable_total{pool="default"} 0');
    expect(text).toContain('niyanta_scheduling_latency_seconds_count{pool="default"} 0');
  });

  it("count the workers that were marked dead", async () => {
    const { pool, text } = begin();
    await pool.link.ensure();
    register(pool, registration(1));
    const attempt = pool.ledger.reserve(item(1), customerId(1), workerId(1));
    pool.ledger.settle(attempt, 1, "held");
    await checkLeases(pool);
    now += pool.deps.terms.leaseMs + 1;
    await checkLeases(pool);
    expect(await text()).toContain('niyanta_worker_pool_size{pool="default",status="DEAD"} 1');
  });

  it("survive the end of the memory: counters with their labels, and the fleet until it answers anew", async () => {
    const first = begin();
    register(first.pool, registration(1));
    register(first.pool, registration(2));
    first.fenced(3);
    const labels = { customer: customerId(1), status: "accepted" };
    first.pool.metrics.record([{ counter: "niyanta_workload_submissions_total", labels, value: 7 }]);
    now += keepEveryMs;
    await first.kept.keep(first.pool);

    const second = begin();
    const text = await second.text();
    expect(text).toContain('niyanta_fenced_writes_total{pool="default"} 3');
    expect(text).toMatch(/niyanta_workload_submissions_total\{[^}]*status="accepted"[^}]*\} 7/);
    expect(text).toContain('niyanta_worker_pool_size{pool="default",status="HEALTHY"} 2');
    expect(text).toContain('niyanta_worker_capacity_total{pool="default"} 8');
    register(second.pool, registration(1));
    second.fenced(1);
    expect(await second.text()).toContain('niyanta_worker_pool_size{pool="default",status="HEALTHY"} 1');
    expect(await second.text()).toContain('niyanta_fenced_writes_total{pool="default"} 4');
  });

  it("show no fleet of before once this memory has kept its own", async () => {
    const first = begin();
    register(first.pool, registration(1));
    now += keepEveryMs;
    await first.kept.keep(first.pool);
    const second = begin();
    register(second.pool, registration(2));
    now += keepEveryMs;
    await second.kept.keep(second.pool);
    leave(second.pool, workerId(2));
    expect(await second.text()).toContain('niyanta_worker_pool_size{pool="default",status="HEALTHY"} 0');
  });

  it("are written once in a while, and not when nothing is new", async () => {
    const { pool, kept, fenced } = begin();
    fenced(1);
    await kept.keep(pool);
    expect(writes).toBe(0);
    now += keepEveryMs;
    await kept.keep(pool);
    fenced(1);
    await kept.keep(pool);
    expect(writes).toBe(1);
    now += keepEveryMs;
    await kept.keep(pool);
    now += keepEveryMs;
    await kept.keep(pool);
    expect(writes).toBe(2);
  });

  it("stay within one row however many series there are", async () => {
    const { pool, kept, fenced } = begin();
    fenced(1);
    const samples = Array.from({ length: seriesKeptMax + 50 }, (_, n) => ({
      counter: "niyanta_workload_submissions_total" as const,
      labels: { customer: customerId(n), status: "accepted" },
      value: 1,
    }));
    pool.metrics.record(samples);
    now += keepEveryMs;
    await kept.keep(pool);
    const next = begin();
    expect((await next.pool.metrics.sums()).filter(({ value }) => value > 0).length).toBeLessThanOrEqual(seriesKeptMax);
    expect(await next.text()).toContain('niyanta_fenced_writes_total{pool="default"} 1');
  });

  it("begin anew over what another version kept", async () => {
    begin();
    const fleet = { workers: { HEALTHY: 1, DRAINING: 0, DEAD: 0 }, slots: 4 };
    const foreign = [
      { name: "niyanta_of_another_time_total", labels: {}, value: 1 },
      { name: "niyanta_fenced_writes_total", labels: { customer: "x" }, value: 1 },
      { name: "constructor", labels: {}, value: 1 },
    ];
    for (const content of [{ sums: foreign, fleet }, { fleet }, {}, null]) {
      sql.exec("INSERT OR REPLACE INTO kept_metrics VALUES (1, ?)", JSON.stringify(content));
      expect(await begin().text()).toContain('niyanta_fenced_writes_total{pool="default"} 0');
    }
  });
});
