/** The store in memory, with the behaviour of the one on Postgres: for simulations and unit tests. */
import { isHeld, isQueued } from "../../../schema/status.ts";
import type { Customer } from "../../domain/customer.ts";
import type { CustomerStore, Lead, ReadStore, StateStore, Written } from "../store.ts";
import { chunkName, storeChunk } from "./checkpoints.ts";
import { poolStore } from "./pools.ts";
import { namedLines, windowOf } from "./queue.ts";
import { listLogs, listRows, viewOf } from "./reads.ts";
import {
  type CustomerRows,
  customerScope,
  type KeyRow,
  leads,
  type Rows,
  rowOf,
  rowsOf,
  takeEpoch,
  type WorkloadRow,
} from "./rows.ts";
import { insertGroups, submittedUnder } from "./submissions.ts";
import { applyAll, wholeNotices } from "./transitions.ts";

export interface MemoryStore extends StateStore {
  /** Makes a customer, or changes what is known of it. */
  putCustomer(customer: Customer): void;
  addKey(key: KeyRow): void;
}

export function createMemoryStore(): MemoryStore {
  const rows = emptyRows();
  return {
    ...customerStore(rows),
    ...poolStore(rows),
    ...readStore(rows),
    putCustomer(customer) {
      const known = rows.customers.get(customer.customerId);
      if (known === undefined) rows.customers.set(customer.customerId, newCustomerRows(customer));
      else known.customer = customer;
    },
    addKey: (key) => void rows.keys.push(key),
  };
}

function emptyRows(): Rows {
  let events = 0;
  const nextEventId = () => {
    events += 1;
    return String(events);
  };
  return { customers: new Map(), epochs: new Map(), keys: [], workers: new Map(), nextEventId };
}

const newCustomerRows = (customer: Customer): CustomerRows => ({
  customer,
  workloads: new Map(),
  idempotency: new Map(),
});

function customerStore(rows: Rows): CustomerStore {
  const workloadsOf = (customerId: Lead["customerId"]) => rowsOf(rows, customerId).map(({ workload }) => workload);
  /** No `await` inside `write`: what it does is one step. */
  const asLeader = <T>(lead: Lead, write: (customer: CustomerRows) => T): Written<T> => {
    const customer = rows.customers.get(lead.customerId);
    if (customer === undefined || !leads(rows, lead)) return { kind: "not_leader" };
    return { kind: "written", value: write(customer) };
  };
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
      };
    },
    window: async (customerId, windowMax, now, page) => windowOf(workloadsOf(customerId), windowMax, now, page),
    lines: async (customerId, names, room, now) => namedLines(workloadsOf(customerId), names, room, now),
    find: async (customerId, ids) => [...new Set(ids)].flatMap((id) => rowOf(rows, customerId, id)?.workload ?? []),
    insert: async (lead, groups, now) => asLeader(lead, (customer) => insertGroups(rows, customer, groups, now)),
    submittedUnder: async (customerId, key, now) => submittedUnder(rows.customers.get(customerId), key, now),
    async apply(lead, changes, logs, now) {
      const customer = rows.customers.get(lead.customerId);
      const whole = customer === undefined ? new Set<never>() : await wholeNotices(customer, changes);
      return asLeader(lead, (leading) => applyAll(rows, leading, changes, logs, whole, now));
    },
    putChunk: async (lead, chunk) =>
      asLeader(lead, ({ workloads }) => {
        const row = workloads.get(chunk.workload_id);
        if (chunk.customer_id !== lead.customerId || row === undefined || !isHeldBy(row, chunk)) return "fenced";
        storeChunk(row, chunk.sequence, chunk.generation, chunk.index, chunk.data);
        return "stored";
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

function readStore(rows: Rows): ReadStore {
  return {
    async workload(customerId, id) {
      const row = rowOf(rows, customerId, id);
      return row === undefined ? null : viewOf(customerId, row);
    },
    list: async (customerId, query) => listRows(customerId, rowsOf(rows, customerId), query),
    audit: async (customerId, id) => rowOf(rows, customerId, id)?.audit.slice() ?? null,
    async logs(customerId, id, query) {
      const row = rowOf(rows, customerId, id);
      return row === undefined ? null : listLogs(row, query);
    },
    async key({ customerId }, keyHash, now) {
      const customer = rows.customers.get(customerId)?.customer;
      const key = rows.keys.find((known) => known.keyHash === keyHash && known.customerId === customerId);
      if (customer === undefined || key === undefined || key.revokedAt !== null) return null;
      const { keyId, scopes, expiresAt } = key;
      if (expiresAt !== null && expiresAt <= now) return null;
      return { keyId, customerId, scopes, expiresAt, suspended: customer.suspended, limits: customer.limits };
    },
    async ping() {},
  };
}
