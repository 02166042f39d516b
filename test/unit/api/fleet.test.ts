/** The fleet of the operator: who is there before what was written of them, page by page, each worker once. */
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import type { ApiEnv } from "../../../functions/api/context.ts";
import { findWorker, listWorkers } from "../../../functions/api/fleet.ts";
import { drainWorker } from "../../../functions/api/routes/admin-workers.ts";
import type { FleetQuery } from "../../../functions/domain/fleet-page.ts";
import { createMemoryStore } from "../../../functions/store/memory/memory-store.ts";
import { createLog } from "../../../functions/telemetry/log.ts";
import { type WorkerView, workerQuerySchema } from "../../../schema/http/worker.ts";
import type { WorkerId } from "../../../schema/ids.ts";
import type { WorkerStatus } from "../../../schema/status.ts";
import { MemoryPools } from "../../support/memory-pools.ts";
import { t0 } from "../../support/records.ts";
import { workerId } from "../domain/pool-builder.ts";

const facts = { capabilities: ["noop"], slots: 2, tags: {}, version: "1" };
const iso = (at: number) => new Date(at).toISOString();

const liveView = (id: WorkerId, pool: string): WorkerView => ({
  ...{ ...facts, worker_id: id, pool, status: "HEALTHY", slots_used: 0 },
  ...{ registered_at: null, last_seen_at: iso(t0), running: [] },
});

/** Of these numbers, in the pools `default` and `gpu`. */
class Pools extends MemoryPools {
  readonly #live: Readonly<Record<string, readonly number[]>>;

  constructor(live: Readonly<Record<string, readonly number[]>>) {
    super({ database: "up", leader: "up", broker: "up" });
    this.#live = live;
  }

  override async fleet(pool = "", query: Partial<FleetQuery> = {}) {
    const { before = null, status = null, workerId: asked = null, limit = 100 } = query;
    const live = (this.#live[pool] ?? []).map(workerId).sort().reverse();
    const isMeant = (id: WorkerId) => (before === null || id < before) && (asked === null || id === asked);
    const found = live.filter((id) => isMeant(id) && (status === null || status === "HEALTHY"));
    return { live, workers: found.slice(0, limit).map((id) => liveView(id, pool)) };
  }
}

/** Whom they tell to leave is gone at once; its row still says that it is there. */
class Hasty extends Pools {
  #isGone = false;

  override async fleet(pool?: string, query?: Partial<FleetQuery>) {
    return this.#isGone ? { live: [], workers: [] } : super.fleet(pool, query);
  }

  override async drain(): Promise<boolean> {
    this.#isGone = true;
    return true;
  }
}

async function world(live: Readonly<Record<string, readonly number[]>>, rows: readonly [number, WorkerStatus][]) {
  const store = createMemoryStore();
  const changes = rows.map(([number, status]) => ({
    worker: { ...facts, workerId: workerId(number), pool: "default", status },
    ...{ event: null, details: {} },
  }));
  await store.putWorkers("default", await store.leadPool("default"), changes, t0);
  const sources = { store, pools: new Pools(live) };
  const list = async (query: Record<string, string>) =>
    (await listWorkers(sources, workerQuerySchema.parse(query))).map(({ worker_id, status }) => [
      Number(worker_id.replace(/^wkr_0*/, "")),
      status,
    ]);
  return { sources, list };
}

describe("the fleet", () => {
  const live = { default: [2, 5], gpu: [4] };
  const rows: [number, WorkerStatus][] = [
    [1, "REMOVED"],
    [2, "HEALTHY"],
    [3, "HEALTHY"],
    [5, "DEAD"],
  ];

  test("is who is there and who was there, newest id first; who does not answer is dead", async () => {
    const { list } = await world(live, rows);
    expect(await list({})).toEqual([
      [5, "HEALTHY"],
      [4, "HEALTHY"],
      [3, "DEAD"],
      [2, "HEALTHY"],
      [1, "REMOVED"],
    ]);
  });

  test("is filtered by what each worker is now", async () => {
    const { list } = await world(live, rows);
    expect(await list({ status: "DEAD" })).toEqual([[3, "DEAD"]]);
    expect(await list({ status: "REMOVED" })).toEqual([[1, "REMOVED"]]);
    expect(await list({ status: "HEALTHY", pool: "gpu" })).toEqual([[4, "HEALTHY"]]);
    expect(await list({ pool: "nowhere" })).toEqual([]);
  });

  test("goes on behind the last worker of a page, one more than the page", async () => {
    const { list } = await world(live, rows);
    expect((await list({ limit: "1" })).map(([number]) => number)).toEqual([5, 4]);
    expect((await list({ limit: "2", cursor: workerId(4) })).map(([number]) => number)).toEqual([3, 2, 1]);
  });

  test("knows one worker from its pool or its row, with the time of its registration", async () => {
    const { sources } = await world(live, rows);
    expect(await findWorker(sources, workerId(2))).toMatchObject({ status: "HEALTHY", registered_at: iso(t0) });
    expect(await findWorker(sources, workerId(4))).toMatchObject({ pool: "gpu", registered_at: null });
    expect(await findWorker(sources, workerId(3))).toMatchObject({ status: "DEAD", running: [] });
    expect(await findWorker(sources, workerId(9))).toBeNull();
  });
});

describe("draining", () => {
  const log = createLog({ level: "silent", clock: () => t0, write: () => undefined });
  const drain = async (pools: Pools) => {
    const { sources } = await world({}, [[2, "HEALTHY"]]);
    const route = drainWorker({ ...sources, pools, log });
    const app = new Hono<ApiEnv>().post("/:id", (c) => route.serve(c));
    const reply = await app.request(`/${workerId(2)}`, { method: "POST" });
    return [reply.status, await reply.json()];
  };

  test("is done with a worker that leaves before its row says so", async () => {
    expect(await drain(new Hasty({ default: [2] }))).toEqual([
      200,
      expect.objectContaining({ worker_id: workerId(2), status: "DRAINING" }),
    ]);
  });

  test("is not possible with a worker that does not answer any more", async () => {
    expect(await drain(new Pools({}))).toEqual([
      400,
      { error: expect.objectContaining({ code: "INVALID_STATE", details: { status: "DEAD", action: "drain" } }) },
    ]);
  });
});
