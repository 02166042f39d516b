/** The fleet as the operator sees it: who is there, from the pools' memory; who was there, from the rows of workers. */
import type { WorkerQuery, WorkerView } from "../../schema/http/worker.ts";
import type { WorkerId } from "../../schema/ids.ts";
import type { WorkerStatus } from "../../schema/status.ts";
import type { FleetQuery } from "../domain/fleet-page.ts";
import type { StoredWorker, WorkerSelection } from "../store/store.ts";
import type { ApiDependencies } from "./context.ts";

type Sources = Pick<ApiDependencies, "store" | "pools">;

/** One more than the page, where there is more. */
export async function listWorkers(sources: Sources, query: WorkerQuery): Promise<readonly WorkerView[]> {
  const { pool, status = null, cursor: before = null } = query;
  const limit = query.limit + 1;
  const live = await liveWorkers(sources, pool ?? null, { before, status, workerId: null, limit });
  const gone = await goneWorkers(sources, {
    ...(pool === undefined ? {} : { pool }),
    ...(before === null ? {} : { before }),
    statuses: storedAs(status),
    except: live.ids,
    limit,
  });
  return [...live.workers, ...gone].sort(byNewestId).slice(0, limit);
}

/** Null: no such worker was ever there. */
export async function findWorker(sources: Sources, workerId: WorkerId): Promise<WorkerView | null> {
  const [stored] = await sources.store.workers({ ids: [workerId], limit: 1 });
  const query = { before: null, status: null, workerId, limit: 1 };
  const [live] = (await liveWorkers(sources, null, query)).workers;
  if (live !== undefined) return live;
  return stored === undefined ? null : goneView(stored);
}

const byNewestId = (a: WorkerView, b: WorkerView): number => (a.worker_id < b.worker_id ? 1 : -1);

/** With the time of registration, which only their rows know. */
async function liveWorkers({ store, pools }: Sources, pool: string | null, query: FleetQuery) {
  const asked = pool === null ? pools.pools : pools.pools.filter((name) => name === pool);
  const pages = await Promise.all(asked.map((name) => pools.fleet(name, query)));
  const views = pages.flatMap(({ workers }) => workers);
  const ids = views.map(({ worker_id }) => worker_id);
  const rows = ids.length === 0 ? [] : await store.workers({ ids, limit: ids.length });
  const registered = new Map(rows.map(({ workerId, registeredAt }) => [workerId, iso(registeredAt)]));
  const workers = views.map((view) => ({ ...view, registered_at: registered.get(view.worker_id) ?? null }));
  return { ids: pages.flatMap(({ live }) => live), workers };
}

const goneWorkers = async ({ store }: Sources, selection: WorkerSelection): Promise<WorkerView[]> =>
  selection.statuses?.length === 0 ? [] : (await store.workers(selection)).map(goneView);

/** What the row of a worker that is not there may say, when it is to be shown under this status. */
function storedAs(status: WorkerStatus | null): readonly WorkerStatus[] {
  if (status === null) return ["HEALTHY", "DRAINING", "DEAD", "REMOVED"];
  if (status === "DEAD") return ["HEALTHY", "DRAINING", "DEAD"];
  return status === "REMOVED" ? ["REMOVED"] : [];
}

/** Who does not answer to its name is dead, whatever was written of it last. */
const goneView = (stored: StoredWorker): WorkerView => ({
  worker_id: stored.workerId,
  pool: stored.pool,
  status: stored.status === "REMOVED" ? "REMOVED" : "DEAD",
  capabilities: [...stored.capabilities],
  slots: stored.slots,
  slots_used: 0,
  tags: { ...stored.tags },
  version: stored.version,
  registered_at: iso(stored.registeredAt),
  last_seen_at: iso(stored.updatedAt),
  running: [],
});

const iso = (at: number): string => new Date(at).toISOString();
