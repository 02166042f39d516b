/** Coordinators over a memory store, as far as they change what a customer is and owns: the real decisions, no workloads. */
import { direct } from "../../functions/coordinator/directory.ts";
import type { Answer, Directed, DirectRequest } from "../../functions/coordinator/gateway.ts";
import { type CoordinatorDeps, Leadership, type PoolLink } from "../../functions/coordinator/session.ts";
import type { ChangeKind } from "../../functions/domain/directory-change.ts";
import { createLane, type Lane } from "../../functions/lane.ts";
import type { MemoryStore } from "../../functions/store/memory/memory-store.ts";
import { createLog } from "../../functions/telemetry/log.ts";
import type { CustomerId, IdSource } from "../../schema/ids.ts";

const silentPool: PoolLink = { place: async () => [], update: async () => undefined, explain: async () => null };

interface Leading {
  readonly deps: CoordinatorDeps;
  readonly lane: Lane;
  readonly leadership: Leadership;
}

export class MemoryDirecting {
  readonly #store: MemoryStore;
  readonly #ids: IdSource;
  readonly #now: () => number;
  readonly #leading = new Map<string, Leading>();

  constructor(store: MemoryStore, ids: IdSource, now: () => number) {
    this.#store = store;
    this.#ids = ids;
    this.#now = now;
  }

  async direct<K extends ChangeKind>(customerId: CustomerId, request: DirectRequest<K>): Promise<Answer<Directed<K>>> {
    const { deps, lane, leadership } = this.#leadingOf(customerId);
    const surroundings = { isEntering: () => false, endWatching: () => undefined, endAllWatching: () => undefined };
    const change = () => leadership.within((session) => direct(deps, session, request, surroundings));
    const result = await lane.run(change);
    return result.ok ? { ...result.value, rate: null } : { ...result, rate: null };
  }

  #leadingOf(customerId: CustomerId): Leading {
    const known = this.#leading.get(customerId);
    if (known !== undefined) return known;
    const deps = this.#depsOf(customerId);
    const leading = { deps, lane: createLane(), leadership: new Leadership(deps, () => undefined) };
    this.#leading.set(customerId, leading);
    return leading;
  }

  #depsOf(customerId: CustomerId): CoordinatorDeps {
    return {
      customerId,
      store: this.#store,
      poolNames: [],
      pool: () => silentPool,
      ids: this.#ids,
      now: this.#now,
      random: () => 0,
      log: createLog({ level: "silent", clock: this.#now, write: () => undefined }),
      wakeBy: () => undefined,
      background: () => undefined,
    };
  }
}
