/** The store in memory, with the behaviour of the one on Postgres: for simulations and unit tests. */
import type { CustomerId, KeyId } from "../../../schema/ids.ts";
import { isHeld, isQueued } from "../../../schema/status.ts";
import type { Customer } from "../../domain/customer.ts";
import type { CustomerStore, Lead, ReadStore, StateStore, Written } from "../store.ts";
import { chunkName, takeChunk } from "./checkpoints.ts";
import { memoryDirectory, newCustomerRows } from "./directory.ts";
import { liveStore } from "./live.ts";
import { poolStore } from "./pools.ts";
import { namedLines, windowOf } from "./queue.ts";
import { listAttempts, listAudit, listLogs, listRows, viewOf } from "./reads.ts";
import {
  type CustomerRows,
  customerScope,
  type GivenKey,
  type Rows,
  rowOf,
  rowsOf,
  takeEpoch,
  type WorkloadRow,
  writeAsLeader,
} from "./rows.ts";
import { acceptedBy, selected } from "./selection.ts";
import { countAhead, lastEvent, listCheckpoints, selectWorkers } from "./standing.ts";
import { insertGroups, remember, replyUnder, submittedUnder } from "./submissions.ts";
import { applyAll, wholeNotices } from "./transitions.ts";

export interface MemoryStore extends StateStore {
  /** Makes a customer, or changes what is known of it. */
  putCustomer(customer: Customer): void;
  addKey(key: GivenKey): void;
  lastUsed(customerId: CustomerId, keyId: KeyId): number | null;
}

export function createMemoryStore(): MemoryStore {
  const rows = emptyRows();
  return {
    ...customerStore(rows),
    ...poolStore(rows),
    ...readStore(rows),
    ...memoryDirectory(rows),
    ...liveStore(rows),
    putCustomer(customer) {
      const known = rows.customers.get(customer.customerId);
      if (known === undefined) rows.customers.set(customer.customerId, newCustomerRows(customer, "", 0));
      else known.customer = customer;
    },
    addKey: (key) => void rows.keys.push({ ...key, name: "", createdAt: 0, lastUsedAt: null }),
    lastUsed: (customerId, keyId) =>
      rows.keys.find((key) => key.customerId === customerId && key.keyId === keyId)?.lastUsedAt ?? null,
  };
}

function emptyRows(): Rows {
  let events = 0;
  const nextEventId = () => {
    events += 1;
    return String(events);
  };
  return {
    customers: new Map(),
    epochs: new Map(),
    keys: [],
    workers: new Map(),
    operator: { idempotency: new Map() },
    nextEventId,
  };
}

function customerStore(rows: Rows): CustomerStore {
  const workloadsOf = (customerId: Lead["customerId"]) => rowsOf(rows, customerId).map(({ workload }) => workload);
  const asLeader = <T>(lead: Lead, write: (customer: CustomerRows) => T): Written<T> =>
    writeAsLeader(rows, lead, write);
  return {
    async lead(customerId, windowMax, now) {
      const customer = rows.customers.get(customerId)?.customer;
      if (customer === undefined) return null;
      const all = workloadsOf(customerId);
      return {
        lead: { customerId, epoch: takeEpoch(rows, customerScope(customerId)) },
        customer,
        held: all.filter(({ status }) => isHeld(status)),
        queue: windowOf(all, windowMax, now),
        queuedCount: all.filter(({ status }) => isQueued(status)).length,
        accepted: acceptedBy(customer, all, now),
      };
    },
    window: async (customerId, windowMax, now, page) => windowOf(workloadsOf(customerId), windowMax, now, page),
    lines: async (customerId, names, room, now) => namedLines(workloadsOf(customerId), names, room, now),
    find: async (customerId, ids) => [...new Set(ids)].flatMap((id) => rowOf(rows, customerId, id)?.workload ?? []),
    select: async (customerId, selection, max) => selected(rowsOf(rows, customerId), selection, max),
    insert: async (lead, groups, now) => asLeader(lead, (customer) => insertGroups(rows, customer, groups, now)),
    submittedUnder: async (customerId, key, now) => submittedUnder(rows.customers.get(customerId), key, now),
    replyUnder: async (customerId, key, now) => replyUnder(rows.customers.get(customerId), key, now),
    async apply(lead, changes, logs, now, remembered = null) {
      const customer = rows.customers.get(lead.customerId);
      const whole = customer === undefined ? new Set<never>() : await wholeNotices(customer, changes);
      return asLeader(lead, (leading) => {
        const applied = applyAll(rows, leading, changes, logs, whole, now);
        if (remembered !== null) remember(leading, remembered, now);
        return applied;
      });
    },
    ahead: async (customerId, place, now) => countAhead(rows, customerId, place, now),
    lastEvent: async (customerId, id, eventType) => lastEvent(rows, customerId, id, eventType),
    putChunk: async (lead, chunk) =>
      asLeader(lead, ({ workloads }) => {
        const row = workloads.get(chunk.workload_id);
        if (chunk.customer_id !== lead.customerId || row === undefined || !isHeldBy(row, chunk)) return "fenced";
        return takeChunk(row, chunk);
      }),
    async getChunk(request) {
      const row = rowOf(rows, request.customer_id, request.workload_id);
      if (row === undefined || !isHeldBy(row, request)) return "fenced";
      const complete = row.checkpoints.find(({ sequence }) => sequence === request.sequence);
      if (complete === undefined) return "unknown";
      return row.chunks.get(chunkName(complete.sequence, complete.generation, request.index)) ?? "unknown";
    },
  };
}

const isHeldBy = ({ workload }: WorkloadRow, asker: { generation: number; worker_id: string }): boolean =>
  workload.generation === asker.generation && workload.workerId === asker.worker_id && isHeld(workload.status);

function readStore(rows: Rows): Omit<ReadStore, keyof CustomerStore> {
  return {
    async workload(customerId, id) {
      const row = rowOf(rows, customerId, id);
      return row === undefined ? null : viewOf(customerId, row);
    },
    list: async (customerId, query) => listRows(customerId, rowsOf(rows, customerId), query),
    async audit(customerId, id, query) {
      const row = rowOf(rows, customerId, id);
      return row === undefined ? null : listAudit(row, query);
    },
    async attempts(customerId, id, query) {
      const row = rowOf(rows, customerId, id);
      return row === undefined ? null : listAttempts(row, query);
    },
    checkpoints: async (customerId, id) => listCheckpoints(rows, customerId, id),
    workers: async (selection) => selectWorkers(rows, selection),
    async logs(customerId, id, query) {
      const row = rowOf(rows, customerId, id);
      return row === undefined ? null : listLogs(row, query);
    },
    async caller(customerId) {
      const customer = rows.customers.get(customerId)?.customer;
      return customer === undefined ? null : { customerId, suspended: customer.suspended, limits: customer.limits };
    },
    async key({ customerId }, keyHash, now) {
      const customer = rows.customers.get(customerId)?.customer;
      const key = rows.keys.find((known) => known.keyHash === keyHash && known.customerId === customerId);
      if (customer === undefined || key === undefined || key.revokedAt !== null) return null;
      const { keyId, scopes, expiresAt } = key;
      if (expiresAt !== null && expiresAt <= now) return null;
      return { keyId, customerId, scopes, expiresAt, suspended: customer.suspended, limits: customer.limits };
    },
    async touchKey(customerId, keyId, at) {
      const key = rows.keys.find((known) => known.customerId === customerId && known.keyId === keyId);
      if (key !== undefined) key.lastUsedAt = Math.max(key.lastUsedAt ?? at, at);
    },
    async ping() {},
  };
}
